"""Bundles of the bundled pipeline, as users make them; the wheels come from ``build/wheels`` (``make test``)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from spacy_lambda.bundler.build import Bundle, Options, make_bundle
from spacy_lambda.bundler.target import Target

WHEELS = Path(__file__).parents[2] / "build" / "wheels"
BUNDLED = "en_scienceie_minilm"


@pytest.fixture
def wheelhouse(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds the bundled pipeline's wheels and no others."""
    for name, value in no_index().items():
        monkeypatch.setenv(name, value)


def no_index() -> dict[str, str]:
    if not (WHEELS / "ready").is_file():
        pytest.skip("build/wheels is not there: `make test` fetches it")
    if not (shutil.which("x86_64-linux-gnu-strip") or shutil.which("llvm-strip")):
        pytest.skip("nothing here strips x86-64 modules: apt-get install binutils-x86-64-linux-gnu")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELS), "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture(scope="session")
def real_zip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    """The bundled pipeline for Python 3.13 on x86-64, whatever this machine is."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in no_index().items():
            patch.setenv(name, value)
        yield make_bundle(
            BUNDLED, tmp_path_factory.mktemp("zip"), Options(target=Target("3.13", "x86_64"), shape="zip")
        )
