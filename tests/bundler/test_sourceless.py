"""Bytecode instead of sources, where a zip would not fit otherwise."""

from __future__ import annotations

import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spacy_lambda.bundler.build import Bundle, BundleOptions, bundle
from spacy_lambda.bundler.bytecode import compile_tree, find_python
from spacy_lambda.bundler.proof import _has_module
from spacy_lambda.bundler.sourceless import PACKAGES, RESERVED, SOURCES, fit_tree
from spacy_lambda.bundler.sourceless_program import compile_source
from spacy_lambda.bundler.target import Target
from spacy_lambda.core.files import file_sizes
from spacy_lambda.errors import BundleError
from tests.bundler.installed import install_once
from tests.bundler.wheels import BUNDLED, no_index

MODULE = '''"""A long docstring. {filler}"""

from __future__ import annotations

class Empty:
    """Nothing else."""

def answer() -> int:
    """Return it."""
    assert True
    return 42
'''.replace("{filler}", "x" * 5000)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two of the packages that may lose their sources, and others."""
    folder = tmp_path / "tree"
    for name in ("catalogue/__init__.py", "numpy/_core/numeric.py", "typing_extensions.py"):
        _write(folder / name)
    for name in ("spacy_lambda/errors.py", "own/__init__.py", "pipeline/code.py"):
        _write(folder / name)
    compile_tree(folder, sys.executable, skip="pipeline")
    return folder


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MODULE)


def _size(tree: Path) -> int:
    return sum(file_sizes(tree).values())


def test_sources_are_replaced_where_the_zip_then_fits(tree: Path) -> None:
    before = _size(tree)
    (removed,) = fit_tree(tree, sys.executable, limit=before + RESERVED - 1)
    assert removed.what == SOURCES
    assert (removed.files, removed.size) == (3, before - _size(tree))
    names = set(file_sizes(tree))
    assert {name for name in names if "__pycache__" not in name} == {
        "catalogue/__init__.pyc",
        "numpy/_core/numeric.pyc",
        "typing_extensions.pyc",
        "spacy_lambda/errors.py",
        "own/__init__.py",
        "pipeline/code.py",
    }
    assert {Path(name).parts[0] for name in names if "__pycache__" in name} == {"spacy_lambda", "own"}
    assert all(_has_module(tree, name) for name in ("catalogue", "numpy._core.numeric", "typing_extensions"))
    assert not _has_module(tree, "numpy._core.missing")
    script = "import sys; sys.path.insert(0, sys.argv[1]); import catalogue, own; from numpy._core import numeric; "
    script += "print(catalogue.answer(), catalogue.__doc__, catalogue.answer.__doc__, catalogue.Empty.__doc__, "
    script += "numeric.answer.__doc__, own.answer.__doc__, catalogue.answer.__code__.co_filename)"
    done = subprocess.run([sys.executable, "-S", "-c", script, tree], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "42 None None None Return it. Return it. /var/task/catalogue/__init__.py"


@pytest.mark.parametrize("below", [-RESERVED, 1_000_000])
def test_sources_stay_where_it_fits_with_them_or_not_even_without(tree: Path, below: int) -> None:
    before = file_sizes(tree)
    assert fit_tree(tree, sys.executable, limit=_size(tree) - below) == []
    assert file_sizes(tree) == before


def test_sources_stay_where_the_difference_is_too_small(tree: Path) -> None:
    """The size without sources is known after compiling."""
    before = file_sizes(tree)
    replaced = sum(size for name, size in before.items() if name.startswith(("catalogue", "numpy", "typing")))
    assert fit_tree(tree, sys.executable, limit=_size(tree) + RESERVED - replaced) == []
    assert {name: size for name, size in file_sizes(tree).items() if size} | before == before


def test_a_source_that_cannot_be_compiled(tree: Path) -> None:
    (tree / "catalogue" / "wrong.py").write_text("def\n")
    with pytest.raises(BundleError, match=r"wrong\.py") as caught:
        fit_tree(tree, sys.executable, limit=_size(tree) + RESERVED - 1)
    assert caught.value.remedy


def test_byte_code_is_reproducible_and_keeps_lines() -> None:
    first, second = (compile_source(MODULE.encode(), "/var/task/m.py", docstrings=False) for _ in range(2))
    assert first == second
    assert b"A long docstring" not in first
    assert b"A long docstring" in compile_source(MODULE.encode(), "/var/task/m.py", docstrings=True)


IMPORTS = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
found = {}
for name in json.load(sys.stdin):
    try:
        found[name] = sorted(set(vars(importlib.import_module(name))) - {"__doc__", "__cached__"})
    except BaseException as exc:
        found[name] = type(exc).__name__
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(find_python(Target("3.13")) is None, reason="Python 3.13 is not installed here")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="runs extension modules for x86-64")
def test_every_module_of_the_packages_works_without_its_source(
    real_zip: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundled pipeline, with a limit that its zip keeps without sources only."""
    for name, value in no_index().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("spacy_lambda.bundler.tree.COMPRESSION", 0)
    install_once(monkeypatch, tmp_path)
    options = BundleOptions(target=real_zip.target, package_type="zip")
    limit = real_zip.unzipped - 8_000_000
    less = bundle(BUNDLED, tmp_path / "without.zip", options, limit=limit)
    assert less.proof.bundle_itself
    assert less.unzipped <= limit
    assert [one.what for one in less.removed].count(SOURCES) == 1
    assert SOURCES not in [one.what for one in real_zip.removed]
    modules = sorted(filter(None, map(_module, real_zip.sizes)))
    assert len(modules) > 500
    with_sources, without = (_imports(one.path, tmp_path / one.path.stem, modules) for one in (real_zip, less))
    assert without == with_sources


def _module(name: str) -> str | None:
    stem = name.removesuffix(".py")
    if stem == name or name.partition("/")[0] not in PACKAGES or "__main__" in name:
        return None
    return stem.replace("/", ".").removesuffix(".__init__")


def _imports(path: Path, folder: Path, modules: list[str]) -> object:
    import json

    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    command = [str(find_python(Target("3.13"))), "-I", "-S", "-B", "-c", IMPORTS, str(folder)]
    done = subprocess.run(command, input=json.dumps(modules), capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
