"""What no function needs is removed: files, symbols, and parts of libraries that are never loaded."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from spacy_lambda.bundler.elf import cut_unloaded, is_loadable
from spacy_lambda.bundler.slim import RULES, slim_tree
from spacy_lambda.bundler.target import Target
from spacy_lambda.errors import BundleError
from spacy_lambda.packages.base_install import LEFT_OUT


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
