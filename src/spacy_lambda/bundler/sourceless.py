"""Bytecode instead of sources, for a zip that would not fit otherwise.

``numpy/ma/core.py`` and ``numpy/ma/__pycache__/core.cpython-313.pyc`` become ``numpy/ma/core.pyc``, without docstrings.
Tracebacks still have the lines' numbers, but not their text.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from spacy_lambda.bundler import sourceless_program
from spacy_lambda.bundler.bytecode import TASK_ROOT
from spacy_lambda.bundler.slim import Removal
from spacy_lambda.core.files import file_sizes
from spacy_lambda.errors import BundleError

__all__ = ["PACKAGES", "SOURCES", "fit_tree"]

SOURCES = "sources of packages"
"""Their name in the report."""

PACKAGES = (
    "annotated_types",
    "catalogue",
    "confection",
    "numpy",
    "onnxruntime",
    "packaging",
    "pydantic",
    "pydantic_core",
    "spacy",
    "spacy_legacy",
    "srsly",
    "thinc",
    "tokenizers",
    "tqdm",
    "typing_extensions.py",
    "typing_inspection",
    "wasabi",
)
"""Packages and modules of the base install that work without sources and docstrings. spacy-lambda, the pipeline's own
code and packages that only the pipeline requires keep both."""

RESERVED = 200_000
"""Bytes for the files that are added to the bundle later: lock, SBOM and metadata."""


def fit_tree(tree: Path, python: str, *, limit: int) -> list[Removal]:
    """Replace sources by bytecode if a zip of the folder is too large with them, and fits without.

    :param python: An interpreter of the target's version, which has compiled the folder's bytecode.
    :param limit: Maximum bytes of a zip's contents.
    :returns: The removed files; nothing if it fits as it is, or not even without sources.
    :raises BundleError: If a source cannot be compiled.
    """
    total = sum(file_sizes(tree).values()) + RESERVED
    sources = tuple(_sources(tree))
    replaced = [path for source in sources for path in _files(source)]
    size = sum(path.stat().st_size for path in replaced)
    if not total - size <= limit < total:
        return []
    _compile(tree, python, sources)
    compiled = [source.with_suffix(".pyc") for source in sources]
    saved = size - sum(path.stat().st_size for path in compiled)
    fits = total - saved <= limit
    for path in replaced if fits else compiled:
        path.unlink()
    for folder in {path.parent for path in replaced}:
        if not any(folder.iterdir()):
            folder.rmdir()
    reason = "bytecode replaces them, without docstrings: with them, the zip is over Lambda's limit"
    return [Removal(SOURCES, reason, len(sources), saved)] if fits else []


def _sources(tree: Path) -> Iterator[Path]:
    for name in PACKAGES:
        path = tree / name
        yield from (path,) if path.is_file() else sorted(path.rglob("*.py"))


def _files(source: Path) -> Iterator[Path]:
    """Yield a source and its bytecode, which has the name of the target's Python."""
    yield source
    yield from source.parent.glob(f"__pycache__/{source.stem}.*.pyc")


def _compile(tree: Path, python: str, sources: tuple[Path, ...]) -> None:
    names = "\n".join(source.relative_to(tree).as_posix() for source in sources)
    command = [python, "-I", sourceless_program.__file__, str(tree), TASK_ROOT]
    done = subprocess.run(command, input=names, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(
            f"compiling bytecode failed: {done.stderr[-1000:]}",
            remedy="report it to the maintainers of the file's package",
        )
