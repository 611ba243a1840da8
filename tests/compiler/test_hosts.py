"""``verify --hosts``: a compiled pipeline against itself on other hosts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from spacy_lambda.cli.verify_report import print_report
from spacy_lambda.compiler import verify
from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.emulated_host import HASWELL, NEOVERSE_N1_NAME, make_neoverse_n1
from spacy_lambda.compiler.graphs.builder import split_weights
from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.hosts import OTHER_ROUNDING, ROUNDING, compare_hosts, round_differently
from spacy_lambda.core.compiled_meta import Precision
from spacy_lambda.errors import BundleError, VerifyError
from spacy_lambda.runtime.encoder import Encoder
from spacy_lambda.runtime.sessions import EncoderBytes
from tests.compiler.arrays import random_encoder
from tests.compiler.originals import TEXTS
from tests.compiler.pipelines import blank, unproved

WINDOW = np.arange(2, 14)


def nothing(name: str) -> None:
    """A machine without any program."""


def test_the_norms_change_and_nothing_else() -> None:
    model = split_weights(build_graph(random_encoder()))
    other = round_differently(model)
    assert len(other.weights) == len(model.weights)
    first, second = (Encoder(one)([WINDOW])[0] for one in (model, other))
    difference = float(np.abs(first - second).max())
    assert 0 < difference < 1e-4


def test_large_weights_change_where_they_are() -> None:
    """Weights of 256 numbers and more are in a file of their own."""
    import onnx
    from onnx import helper, numpy_helper

    values = np.linspace(0.5, 2, 384, dtype=np.float32)
    node = helper.make_node("LayerNormalization", ["x", "w"], ["y"])
    info = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 384]) for name in "xy"]
    constants = [numpy_helper.from_array(values * 2, "other"), numpy_helper.from_array(values, "w")]
    graph = helper.make_graph([node], "encoder", info[:1], info[1:], constants)
    model = split_weights(helper.make_model(graph))
    found = np.frombuffer(round_differently(model).weights, dtype=np.float32)
    np.testing.assert_array_equal(found[:384], values * 2)
    changes = found[384:] / values.astype(np.float64) - 1
    assert np.abs(np.abs(changes) - ROUNDING).max() < 1.2e-7
    assert set(np.sign(changes)) == {-1, 1}


def test_an_encoder_without_norms_is_not_compared() -> None:
    graph = build_graph(random_encoder())
    kept = [node for node in graph.graph.node if node.op_type != "LayerNormalization"]
    del graph.graph.node[:]
    graph.graph.node.extend(kept)
    with pytest.raises(VerifyError, match="no layer norms"):
        round_differently(EncoderBytes(graph.SerializeToString(), b""))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "int8-weight-only"])
def test_hosts_of_a_pipeline(
    original: Callable[..., Path], tmp_path: Path, precision: Precision, capsys: pytest.CaptureFixture[str]
) -> None:
    compile_pipeline(str(original()), tmp_path / "out", precision=precision, prove=unproved)
    found = compare_hosts(tmp_path / "out", TEXTS, find=nothing)
    rounded, emulated, arm64 = found
    assert (rounded.host, rounded.agreement) == (OTHER_ROUNDING, 1.0)
    assert rounded.identical_documents == rounded.documents == len(TEXTS)
    assert (emulated.host, emulated.agreement) == (HASWELL.name, None)
    assert emulated.reason is not None
    assert (arm64.host, arm64.reason) == (NEOVERSE_N1_NAME, "no arm64 Python is given: --arm64-root FOLDER")
    (tmp_path / "text.txt").write_text(TEXTS[0])
    report = verify(str(original()), str(tmp_path / "out"), tmp_path / "text.txt")
    assert report.hosts == ()
    print_report({**report.to_dict(), "hosts": [one.__dict__ for one in found]})
    printed = capsys.readouterr().out
    assert f"on {OTHER_ROUNDING}: agreement 1.0000 with itself on this host, 4 of 4 documents identical" in printed
    assert f"on {HASWELL.name}: not compared: " in printed
    assert f"on {NEOVERSE_N1_NAME}: not compared: no arm64 Python is given" in printed


def test_a_pipeline_without_an_encoder_has_no_other_hosts(tmp_path: Path) -> None:
    (found,) = compare_hosts(blank(tmp_path / "source"), TEXTS, find=nothing)
    assert found.reason == "the pipeline has no compiled transformer"


def arm64_root(folder: Path) -> Path:
    """A folder with the files that an emulated arm64 Python needs, which are empty."""
    for name in ("usr/bin/python3.13", "usr/bin/python3.13-config", "proc/cpuinfo"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def without_packages(pipeline: Path, python: str) -> AbstractContextManager[Path]:
    raise BundleError(f"no wheels for {python}", remedy="none")


def test_the_python_of_another_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arm64_root(tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    host = make_neoverse_n1(Path(tmp_path.name), without_packages)
    assert host.python == str(tmp_path / "usr/bin/python3.13")
    assert host.command("/qemu") == ("/qemu", "-cpu", "neoverse-n1", "-L", str(tmp_path))
    assert host.obstacle(nothing) == "qemu-aarch64 is not installed: apt-get install qemu-user"
    assert host.obstacle(lambda name: name) is None
    with pytest.raises(BundleError, match=r"no wheels for 3\.13"):
        host.query(tmp_path, [], "/qemu")


@pytest.mark.parametrize("missing", ["usr/bin/python3.13", "proc/cpuinfo"])
def test_a_folder_without_an_arm64_python(tmp_path: Path, missing: str) -> None:
    (arm64_root(tmp_path) / missing).unlink()
    with pytest.raises(VerifyError, match="has no arm64 Python") as caught:
        make_neoverse_n1(tmp_path, without_packages)
    assert caught.value.remedy.endswith(f"scripts/make_arm64_root.sh {tmp_path}")


@pytest.mark.slow
def test_the_emulated_process(original: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command on this CPU: a program in place of the emulator runs the rest of its arguments.

    Nothing here runs on the other architecture, whose packages are missing too.
    """
    compile_pipeline(str(original()), tmp_path / "out", prove=unproved)
    emulator = tmp_path / "qemu-x86_64"
    emulator.write_text('#!/bin/sh\n[ "$1 $2" = "-cpu Haswell" ] && shift 2 && exec "$@"\n')
    emulator.chmod(0o755)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.chdir(tmp_path)
    arm64 = make_neoverse_n1(arm64_root(tmp_path / "arm64"), without_packages)
    _, found, other = compare_hosts(Path("out"), TEXTS, arm64=arm64, find=lambda name: str(emulator))
    assert (other.host, other.reason) == (NEOVERSE_N1_NAME, "no wheels for 3.13")
    assert (found.reason, found.agreement, found.documents, found.identical_documents) == (None, 1.0, 3, 3)
