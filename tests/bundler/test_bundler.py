"""The stages of a bundle, on small test wheels: no network."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import spacy

from spacy_lambda.bundler import assemble
from spacy_lambda.bundler.build import BundleOptions, bundle
from spacy_lambda.bundler.bytecode import compile_tree, find_python
from spacy_lambda.bundler.elf import cut_unloaded, is_loadable
from spacy_lambda.bundler.pins import Pin, pin_requirements
from spacy_lambda.bundler.proof import Proof
from spacy_lambda.bundler.slim import RULES, slim_tree
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.target_root import target_task_root
from spacy_lambda.bundler.tree import write_zip
from spacy_lambda.bundler.wheels import download_wheels, install_wheels, lock_text
from spacy_lambda.errors import BundleError, RequirementError
from spacy_lambda.packages.base_install import LEFT_OUT, left_out
from tests.bundler.installed import install_once, without_wheels


def make_wheel(folder: Path, name: str, tag: str = "py3-none-any", files: dict[str, bytes] | None = None) -> Path:
    """A wheel as small as pip takes it."""
    info = f"{name}-1.0.dist-info"
    contents = {
        **(files or {f"{name}/__init__.py": b"VALUE = 1\n"}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    record = "".join(f"{path},sha256={digest(data)},{len(data)}\n" for path, data in contents.items())
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, data in {**contents, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items():
            wheel.writestr(member, data)
    return path


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip finds wheels."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


# Targets and versions.


@pytest.mark.parametrize(("python", "arch"), [("3.11", "x86_64"), ("3.13", "aarch64"), ("4", "arm64")])
def test_targets_that_lambda_lacks(python: str, arch: str) -> None:
    with pytest.raises(BundleError) as caught:
        Target(python, arch)
    assert "choose" in caught.value.remedy


def test_the_installed_versions_are_pinned() -> None:
    found, ours = pin_requirements([], Target())
    names = {pin.name for pin in found}
    assert {"spacy", "onnxruntime", "tokenizers", "numpy"} <= names
    assert names.isdisjoint({*LEFT_OUT, "spacy-lambda", "torch", "boto3"})
    assert ours.metadata["Name"] == "spacy-lambda"
    assert Pin("spacy", version("spacy")) in found


def test_requirements_of_the_pipeline_itself_are_not_left_out() -> None:
    """With their own requirements; requirements of spaCy alone stay out."""
    names = {pin.name for pin in pin_requirements(["spacy>=3.8", "spacy-lambda", "requests>=2"], Target())[0]}
    assert {"requests", "urllib3", "idna", "certifi", "charset-normalizer"} <= names
    assert names.isdisjoint({"typer", "jinja2", "weasel", "huggingface-hub"})
    assert left_out([]) == left_out(["spacy>=3.8", "spacy-lambda"]) == LEFT_OUT.keys()


def test_a_requirement_that_is_not_installed() -> None:
    with pytest.raises(RequirementError, match="no-such-package") as caught:
        pin_requirements(["no-such-package>=1"], Target())
    assert "pip install" in caught.value.remedy


# Wheels.


@pytest.mark.slow
def test_wheels_of_the_target_are_accepted(links: Path, tmp_path: Path) -> None:
    make_wheel(links, "pure")
    for tag in ("cp313-cp313-manylinux_2_28_x86_64", "cp313-cp313-manylinux_2_28_aarch64", "cp312-cp312-linux_x86_64"):
        make_wheel(links, "compiled", tag)
    (tmp_path / "out").mkdir()
    wheels = download_wheels([Pin("compiled", "1.0"), Pin("pure", "1.0")], Target("3.13", "arm64"), tmp_path / "out")
    assert [wheel.name for wheel in wheels] == [
        "compiled-1.0-cp313-cp313-manylinux_2_28_aarch64.whl",
        "pure-1.0-py3-none-any.whl",
    ]
    sha256 = hashlib.sha256(wheels[1].read_bytes()).hexdigest()
    assert lock_text(wheels).endswith(f"pure==1.0 \\\n    --hash=sha256:{sha256}\n")
    install_wheels(wheels, Target("3.13", "arm64"), tmp_path / "tree")
    assert (tmp_path / "tree" / "pure" / "__init__.py").read_text() == "VALUE = 1\n"


@pytest.mark.slow
@pytest.mark.parametrize("tag", [None, "cp313-cp313-manylinux_2_28_aarch64", "cp313-cp313-musllinux_1_2_x86_64"])
def test_no_wheel_for_the_target(tag: str | None, links: Path, tmp_path: Path) -> None:
    if tag is not None:
        make_wheel(links, "compiled", tag)
    with pytest.raises(
        BundleError, match=r"no wheel of compiled==1\.0 is available for Python 3\.13 on x86_64"
    ) as caught:
        download_wheels([Pin("compiled", "1.0")], Target(), tmp_path)
    assert "pip index versions compiled" in caught.value.remedy


@pytest.mark.parametrize(
    "stderr",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "[Errno 122] Disk quota exceeded",
    ],
)
def test_a_full_disk_is_not_the_network(stderr: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, stderr=stderr)
    monkeypatch.setattr("spacy_lambda.bundler.wheels.subprocess.run", lambda *_, **__: done)
    for call in (lambda: download_wheels([], Target(), tmp_path), lambda: install_wheels([], Target(), tmp_path)):
        with pytest.raises(BundleError, match=r"no space is left for the wheels: .* MB are free in ") as caught:
            call()
        assert "set TMPDIR to a folder" in caught.value.remedy


def test_a_broken_wheel(links: Path, tmp_path: Path) -> None:
    (links / "broken-1.0-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(BundleError) as caught:
        download_wheels([Pin("broken", "1.0")], Target(), tmp_path)
    assert caught.value.remedy


# Slimming.


def test_every_rule_has_a_reason() -> None:
    assert all(rule.reason for rule in RULES)
    assert all(LEFT_OUT.values())


def test_slimming(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    keep = ["spacy/lang/en/__init__.py", "spacy/lang/uk/a.py", "spacy/lang/ru/a.py", "spacy/lang/ja/a.py", "x/y.py"]
    keep += ["spacy/lang/char_classes.py", "pipeline/tests/kept.c", "spacy_lambda/runtime/handler.py"]
    drop = ["spacy/lang/de/__init__.py", "x/tests/test_y.py", "x/y.pyx", "x/y.pyi", "bin/tool", "spacy/cli/a.py"]
    drop += ["x-1.dist-info/RECORD", "onnxruntime/tools/a.py"]
    for name in (*keep, *drop):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("12345")
    (tree / "spacy/lang/uk/a.py").write_text("from ..ru.lemmatizer import X\n")
    removed = slim_tree(tree, Target(), language="uk")
    found = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    assert found == {*keep} - {"spacy/lang/en/__init__.py"}
    assert not (tree / "bin").exists()
    assert sum(one.files for one in removed) == len(drop) + 1
    assert all(one.reason for one in removed)


def test_extension_modules_are_stripped_and_load(tmp_path: Path) -> None:
    """On a copy of an installed package, for this machine's own architecture."""
    source = Path(spacy.__file__).parent
    for name in ("attrs", "symbols"):
        (path,) = source.glob(f"{name}.cpython-*.so")
        (tmp_path / "tree" / "spacy").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "tree" / "spacy")
    before = sum(path.stat().st_size for path in tmp_path.rglob("*.so"))
    arch = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
    (symbols,) = slim_tree(tmp_path / "tree", Target("3.13", arch), language="en")
    after = sum(path.stat().st_size for path in tmp_path.rglob("*.so"))
    assert symbols.what == "debug symbols"
    assert symbols.size == before - after > 0
    assert all(is_loadable(path.read_bytes()) for path in tmp_path.rglob("*.so"))
    script = "import ctypes, sys; [ctypes.CDLL(path, 1) for path in sys.argv[1:]]"
    subprocess.run([sys.executable, "-c", script, *map(str, tmp_path.rglob("*.so"))], check=True)


def test_a_library_whose_segments_have_moved(tmp_path: Path) -> None:
    (path,) = Path(spacy.__file__).parent.glob("attrs.cpython-*.so")
    elf = bytearray(path.read_bytes())
    assert is_loadable(bytes(elf))
    (offset,) = struct.unpack_from("<Q", elf, 32)
    (size,) = struct.unpack_from("<H", elf, 54)
    kinds = [struct.unpack_from("<I", elf, offset + number * size)[0] for number in range(elf[56])]
    at = offset + kinds.index(1) * size
    (place,) = struct.unpack_from("<Q", elf, at + 8)
    struct.pack_into("<Q", elf, at + 8, place + 64)
    assert not is_loadable(bytes(elf))


def test_what_is_never_loaded_is_cut(tmp_path: Path) -> None:
    (path,) = Path(spacy.__file__).parent.glob("attrs.cpython-*.so")
    elf = path.read_bytes()
    less = cut_unloaded(elf)
    assert cut_unloaded(less) == less
    assert is_loadable(less)
    assert len(less) < len(elf)
    (tmp_path / "tree" / "x.libs").mkdir(parents=True)
    vendored = tmp_path / "tree" / "x.libs" / "attrs.so"
    vendored.write_bytes(elf + bytes(1_000_000))
    arch = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
    (symbols,) = slim_tree(tmp_path / "tree", Target("3.13", arch), language="en")
    assert vendored.read_bytes() == less
    assert (symbols.files, symbols.size) == (1, len(elf) + 1_000_000 - len(less))
    subprocess.run([sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1], 1)", vendored], check=True)


def test_pages_between_segments_are_cut(tmp_path: Path) -> None:
    """Segments that patchelf has added follow the symbols."""
    (path,) = Path(spacy.__file__).parent.glob("attrs.cpython-*.so")
    elf = cut_unloaded(path.read_bytes())
    (offset,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    entries = range(offset, offset + size * count, size)
    places = {at: struct.unpack_from("<Q", elf, at + 8)[0] for at in entries}
    ends = [places[at] + struct.unpack_from("<Q", elf, at + 32)[0] for at in entries]
    # Between the last segment that is loaded and those before it.
    last = max(places[at] for at in entries if struct.unpack_from("<I", elf, at)[0] == 1)
    begin = max(end for end, place in zip(ends, places.values(), strict=True) if place < last and end <= last)
    larger = bytearray(elf[:begin] + bytes(0x40000) + elf[begin:])
    for at, place in places.items():
        struct.pack_into("<Q", larger, at + 8, place + 0x40000 * (place >= last))
    assert cut_unloaded(bytes(larger)) == elf


def test_no_program_that_strips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.joinpath("tree").mkdir()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BundleError, match="aarch64-linux-gnu-strip and llvm-strip") as caught:
        slim_tree(tmp_path / "tree", Target("3.13", "arm64"), language="en")
    assert "binutils-aarch64-linux-gnu" in caught.value.remedy


# Bytecode and the zip.


def test_byte_code_is_used_as_it_is(tmp_path: Path) -> None:
    tree = tmp_path / "tree (c++) [a].*"  # a path, not a regular expression
    for name in ("a/b.py", "pipeline/c.py"):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).write_text("VALUE = 1\n")
    compile_tree(tree, sys.executable, skip="pipeline")
    (code,) = tree.rglob("*.pyc")
    assert code.parent == tree / "a" / "__pycache__"
    assert b"/var/task/a/b.py" in code.read_bytes()
    assert str(tmp_path).encode() not in code.read_bytes()
    (tree / "a" / "b.py").write_text("VALUE = 2\n")
    script = f"import sys; sys.path.insert(0, {str(tree)!r}); import a.b; print(a.b.VALUE)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "1\n"


def test_no_such_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    other = next(python for python in ("3.12", "3.14") if python != version)
    assert find_python(Target(other)) is None
    shim = tmp_path / "versions" / f"{other}.1" / "bin" / f"python{other}"
    shim.parent.mkdir(parents=True)
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert find_python(Target(other)) is None


def test_the_zip_has_the_same_bytes(tmp_path: Path) -> None:
    for number, names in enumerate((["b", "a/c"], ["a/c", "b"])):
        tree = tmp_path / str(number)
        for name in names:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(name)
            os.utime(tree / name, (number, number))
        write_zip(tree, tmp_path / f"{number}.zip")
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "0.zip") as archive:
        assert archive.namelist() == ["a/c", "b"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_zip_has_the_level_of_compression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "numbers").write_text("iron films " * 2000)
    for level in (1, 9):
        monkeypatch.setattr("spacy_lambda.bundler.tree.COMPRESSION", level)
        write_zip(tmp_path / "tree", tmp_path / f"{level}.zip")
    assert (tmp_path / "1.zip").stat().st_size > (tmp_path / "9.zip").stat().st_size


# All of it, with wheels that are nearly empty.

ZIP = BundleOptions(package_type="zip")


@pytest.fixture
def small(links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pipeline, and one wheel of those that the function needs."""
    make_wheel(links, "pure", files={"pure/__init__.py": b"", "pure/tests/test_pure.py": b""})

    def pinned(requirements: object, target: Target) -> object:
        _, ours = pin_requirements([], target)
        return (Pin("pure", "1.0"),), ours

    monkeypatch.setattr(assemble, "pin_requirements", pinned)
    # Without spaCy in it, the bundle cannot answer.
    monkeypatch.setattr(assemble, "prove", lambda *arguments, **named: Proof(True, "not asked"))
    nlp = spacy.blank("en")
    nlp.meta.update(name="small", version="1.0")
    nlp.to_disk(tmp_path / "small")
    return tmp_path / "small"


def test_a_bundle(small: Path, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    (tmp_path / "out").mkdir()
    made = bundle(str(small), tmp_path / "out", ZIP, on_step=lambda *step: steps.append(step))
    assert made.path.name == "en_small-1.0-py313-x86_64.zip"
    assert steps[-1] == ("done", 6, 6)
    with pytest.raises(BundleError, match="exists"):
        bundle(str(small), tmp_path / "out", ZIP)
    again = bundle(str(small), tmp_path / "again.zip", ZIP)
    assert again.path.read_bytes() == made.path.read_bytes()
    with zipfile.ZipFile(made.path) as archive:
        names = set(archive.namelist())
        metadata = json.loads(archive.read("bundle.json"))
        assert archive.read("requirements.lock").startswith(b"pure==1.0")
        assert made.unzipped == sum(entry.file_size for entry in archive.infolist())
    assert {"pipeline/config.cfg", "pure/__init__.py", "spacy_lambda/runtime/handler.py"} <= names
    assert any(name.endswith("dist-info/entry_points.txt") for name in names)
    assert not any("/tests/" in name or name.startswith("spacy_lambda/compiler/") for name in names)
    assert metadata["sha256"] == made.pipeline_sha256
    assert metadata["target"] == {"python": "3.13", "arch": "x86_64"}


def test_a_function_for_another_machine(small: Path) -> None:
    with without_wheels(), target_task_root(small, Target("3.13", "arm64")) as root:
        assert (root / "pipeline" / "config.cfg").read_bytes() == (small / "config.cfg").read_bytes()
        assert (root / "spacy_lambda" / "runtime" / "handler.py").exists()
        assert not (root / "spacy_lambda" / "compiler").exists()
    assert not root.exists()


@pytest.mark.slow
def test_a_bundle_that_is_too_large(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_once(monkeypatch, tmp_path)
    with without_wheels():
        # bundle.json is written after the sizes are compared.
        limit = bundle(str(small), tmp_path / "fits.zip", ZIP).unzipped - 10_000
        with pytest.raises(BundleError, match=f"limit of {limit:,}") as caught:
            bundle(str(small), tmp_path / "out.zip", ZIP, limit=limit)
    assert "int8" in caught.value.remedy
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.slow
def test_nothing_half_made_is_left(small: Path, links: Path, tmp_path: Path) -> None:
    for wheel in links.iterdir():
        wheel.unlink()
    (tmp_path / "out").mkdir()
    with pytest.raises(BundleError, match="no wheel of pure"):
        bundle(str(small), tmp_path / "out", ZIP)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_the_command(small: Path, links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_once(monkeypatch, tmp_path)
    monkeypatch.setattr(assemble, "download_wheels", lambda *arguments: list(links.iterdir()))
    from typer.testing import CliRunner

    from spacy_lambda.cli import make_app

    output = CliRunner().invoke(make_app(), ["bundle", str(small), str(tmp_path / "out.zip"), "--report"]).output
    assert "left of the limit" in output
    assert "spacy_lambda.runtime.handler.handler" in output
    assert "pure" in output
    assert (tmp_path / "out.zip.svg").read_text().startswith("<svg")
    assert "*/tests/*" in output
    refused = CliRunner().invoke(make_app(), ["bundle", str(small), str(tmp_path / "out.zip")])
    assert "--force" in str(refused.exception)
    again = ["bundle", str(small), str(tmp_path / "out.zip"), "--json", "--force"]
    output = CliRunner().invoke(make_app(), again).stdout
    metadata = json.loads(output)
    assert metadata["zipped"] == (tmp_path / "out.zip").stat().st_size
    assert metadata["target"] == {"python": "3.13", "arch": "x86_64"}
