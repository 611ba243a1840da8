"""The thing shipped: the bundled pipeline's zip, opened, built twice, and run with only itself on its path."""

from __future__ import annotations

import json
import platform
import re
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

import spacy_lambda
from spacy_lambda.bundler import tree
from spacy_lambda.bundler.build import Bundle, BundleOptions, bundle
from spacy_lambda.bundler.bytecode import find_python
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.tree import shipped_files
from spacy_lambda.errors import BundleError
from spacy_lambda.local import FunctionSettings, LocalLambda
from spacy_lambda.local.bundle import open_bundle
from tests.bundler.real_bundles import TEXTS, expected, invoke, needs_313
from tests.bundler.wheels import BUNDLED, no_index

pytestmark = pytest.mark.slow

MACHINES = {62: "x86_64", 183: "aarch64"}
RUN = """
import json, platform, sys
sys.path.insert(0, sys.argv[1])
from spacy_lambda.runtime.handler import handler
outside = {
    module.__name__ for module in list(sys.modules.values())
    if "site-packages" in (getattr(module, "__file__", None) or "")
}
answer = handler(json.load(sys.stdin), None)
print(json.dumps({"answer": answer, "outside": sorted(outside), "machine": platform.machine()}))
"""
ISOLATED = ("-I", "-S", "-B", "-c")

QEMU = shutil.which("qemu-aarch64")
ARM64_ROOT = Path(__file__).parents[2] / "build" / "arm64"
ARM64_PYTHON = ARM64_ROOT / "usr" / "bin" / "python3.13"


def machines(path: Path) -> dict[str, str]:
    """The machine of every ELF file in a zip, by its header."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as file:
                head = file.read(20)
            if head[:4] == b"\x7fELF":
                found[entry.filename] = MACHINES[struct.unpack_from("<H", head, 18)[0]]
    return found


def test_it_fits(real_zip: Bundle) -> None:
    assert real_zip.zipped == real_zip.path.stat().st_size
    assert real_zip.zipped <= 95_000_000
    assert real_zip.unzipped <= 215_000_000
    with zipfile.ZipFile(real_zip.path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        metadata = json.loads(archive.read("bundle.json"))
        licences = json.loads(archive.read("sbom.cdx.json"))["components"]
    assert sum(entry.file_size for entry in entries) == real_zip.unzipped
    assert names == sorted(names)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert set(machines(real_zip.path).values()) == {"x86_64"}
    tops = {name.partition("/")[0].partition("-")[0] for name in names}
    assert tops.isdisjoint({"torch", "transformers", "pip", "setuptools", "huggingface_hub", "typer", "boto3"})
    assert metadata["location"] == "pipeline"
    assert all(component["licenses"] for component in licences)


def test_it_has_exactly_the_shipped_files_of_spacy_lambda(real_zip: Bundle) -> None:
    source = Path(spacy_lambda.__file__).parent
    (info,) = {name.partition("/")[0] for name in real_zip.sizes if name.startswith("spacy_lambda-")}
    ours = {name for name in real_zip.sizes if name.startswith("spacy_lambda")}
    code = {name for name in ours if name.endswith(".pyc")}
    listed = {f"spacy_lambda/{name}" for name in shipped_files(source)}
    metadata = {f"{info}/{name}" for name in ("METADATA", "entry_points.txt", "licenses/LICENSE")}
    assert ours - code == listed | metadata
    if real_zip.bytecode:
        compiled = {f"{Path(name).parent.as_posix()}/__pycache__/{Path(name).stem}.cpython-313.pyc" for name in listed}
        assert code == {
            name for name in compiled if f"{name.replace('/__pycache__', '').partition('.')[0]}.py" in listed
        }
    with zipfile.ZipFile(real_zip.path) as archive:
        assert all(
            archive.read(f"spacy_lambda/{name}") == (source / name).read_bytes() for name in shipped_files(source)
        )
        points = archive.read(f"{info}/entry_points.txt").decode()
    assert re.findall(r"\[(.*)\]", points) == ["spacy_architectures", "spacy_factories"]


@needs_313
def test_it_was_tested_before_it_was_written(real_zip: Bundle) -> None:
    assert real_zip.proof.bundle_itself == (platform.machine() == "x86_64")


def test_two_builds_have_the_same_entries(
    real_zip: Bundle, wheelhouse: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a small pipeline has the same bytes; compressing this one again would take seconds."""
    monkeypatch.setattr(tree, "COMPRESSION", 0)
    again = bundle(BUNDLED, tmp_path / "again.zip", BundleOptions(target=real_zip.target, package_type="zip"))
    assert entries(again.path) == entries(real_zip.path)


def entries(path: Path) -> list[tuple[Any, ...]]:
    """Return the order, names, dates, modes and contents' checksums of a zip's entries."""
    with zipfile.ZipFile(path) as archive:
        return [
            (one.filename, one.date_time, one.external_attr, one.create_system, one.file_size, one.CRC)
            for one in archive.infolist()
        ]


@needs_313
def test_it_runs_with_nothing_else_on_the_path(real_zip: Bundle, tmp_path: Path) -> None:
    """Under the target's Python, isolated: no site-packages, no variables; only the unpacked zip."""
    with zipfile.ZipFile(real_zip.path) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [str(find_python(real_zip.target)), *ISOLATED, RUN, str(tmp_path)],
        input=json.dumps({"texts": TEXTS}),
        env={"LAMBDA_TASK_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["answer"] == expected()
    assert result["outside"] == []


@needs_313
@pytest.mark.usefixtures("wheelhouse")
def test_it_runs_in_the_local_lambda(real_zip: Bundle) -> None:
    with (
        open_bundle(str(real_zip.path)) as runnable,
        LocalLambda(
            FunctionSettings(pipeline=str(real_zip.path), handler=runnable.handler), program=runnable.program
        ) as local,
    ):
        task_root = runnable.program.task_root
        assert invoke(local.endpoint_url, {"texts": TEXTS}) == expected()
        assert not list(task_root.rglob("*.pyc.*"))
    assert not task_root.exists()


@pytest.fixture(scope="module")
def arm64_zip(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundled pipeline for Python 3.13 on arm64, on any machine."""
    if not (shutil.which("aarch64-linux-gnu-strip") or shutil.which("llvm-strip")):
        pytest.skip("nothing here strips aarch64 modules: apt-get install binutils-aarch64-linux-gnu")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in no_index().items():
            patch.setenv(name, value)
        patch.setattr(tree, "COMPRESSION", 0)
        out = tmp_path_factory.mktemp("arm64") / "arm64.zip"
        return bundle(BUNDLED, out, BundleOptions(target=Target("3.13", "arm64"), package_type="zip"))


def test_the_other_architecture(arm64_zip: Bundle) -> None:
    found = machines(arm64_zip.path)
    assert not arm64_zip.proof.bundle_itself
    assert "as installed here" in arm64_zip.proof.about
    assert set(found.values()) == {"aarch64"}
    assert len(found) > 80
    assert arm64_zip.unzipped <= 215_000_000
    with pytest.raises(BundleError, match="for arm64") as caught, open_bundle(str(arm64_zip.path)):
        pass
    assert "--architecture x86_64" in caught.value.remedy


@pytest.mark.skipif(not ARM64_PYTHON.exists(), reason="build/arm64 is not there: `make arm64` makes it")
@pytest.mark.skipif(QEMU is None, reason="qemu-aarch64 is not installed: apt-get install qemu-user")
def test_it_answers_on_the_other_architecture(arm64_zip: Bundle, tmp_path: Path) -> None:
    """Under the target's Python on an emulated Neoverse N1: one short text takes ten seconds of CPU."""
    with zipfile.ZipFile(arm64_zip.path) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [str(QEMU), "-cpu", "neoverse-n1", "-L", str(ARM64_ROOT), str(ARM64_PYTHON), *ISOLATED, RUN, str(tmp_path)],
        input=json.dumps({"texts": TEXTS[:1]}),
        env={"LAMBDA_TASK_ROOT": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result == {"answer": expected(TEXTS[:1]), "outside": [], "machine": "aarch64"}
    assert all(result["answer"]), "nothing is found: the test would prove nothing"
