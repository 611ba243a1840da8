"""Shims give bit-identical results."""

from __future__ import annotations

import sys
from pathlib import Path

import blis.cy
import blis.py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.bundler.shims import blis_py, install_shims

SIZES = st.integers(0, 70)


@given(m=SIZES, k=SIZES, n=SIZES, trans1=st.booleans(), trans2=st.booleans(), beta=st.sampled_from([0.0, 1.0]))
def test_gemm(m: int, k: int, n: int, trans1: bool, trans2: bool, beta: float) -> None:
    random = np.random.default_rng(0)
    a = random.standard_normal((k, m) if trans1 else (m, k), dtype=np.float32)
    b = random.standard_normal((n, k) if trans2 else (k, n), dtype=np.float32)
    out = random.standard_normal((m, n), dtype=np.float32)
    for given_out in (None, out):
        ours, theirs = (
            module.gemm(a, b, out=None if given_out is None else out.copy(), trans1=trans1, trans2=trans2, beta=beta)
            for module in (blis_py, blis.py)
        )
        np.testing.assert_array_equal(ours, theirs)


def test_matrices_that_do_not_fit_are_refused() -> None:
    a = np.zeros((4, 6), dtype=np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        blis_py.gemm(a, a)
    with pytest.raises(ValueError, match="do not fit"):
        blis_py.gemm(a, a, trans2=True, out=np.zeros((4, 5), dtype=np.float32))
    for wrong in (a.astype("f8"), a[:, ::2], a[0], a.T):
        with pytest.raises(TypeError, match="contiguous float32"):
            blis_py.gemm(a, wrong, trans2=True)


@pytest.mark.parametrize("works", [True, False])
def test_only_where_it_works(works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blis").mkdir()
    (tmp_path / "blis" / "py.cpython-313-x86_64-linux-gnu.so").write_bytes(b"123")
    if not works:
        monkeypatch.delitem(sys.modules, blis_py.__name__)
        monkeypatch.setattr(blis.cy, "__pyx_capi__", {})
    removed = install_shims(tmp_path)
    assert [one.size for one in removed] == ([3] if works else [])
    assert (tmp_path / "blis" / "py.py").exists() is works
    assert install_shims(tmp_path / "elsewhere") == []
