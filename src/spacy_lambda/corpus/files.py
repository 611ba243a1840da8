"""The user's sources -> the files of a corpus, in an order that does not depend on the file system."""

from __future__ import annotations

import glob
import gzip
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from spacy_lambda.core.files import check_file
from spacy_lambda.corpus.formats.registry import FORMATS, Format, format_of, is_gzip, named_format
from spacy_lambda.errors import CorpusError

__all__ = ["STANDARD_INPUT", "CorpusFile", "find_files"]

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class CorpusFile:
    """A file of a corpus.

    :param name: Its name in the corpus: its path below what all sources have in common, with ``/``.
    :param format: Its format.
    :param size: Its bytes, or ``None`` if unknown.
    :param open_raw: Opens it.
    :param packed: ``True`` if it is a gzip file.
    """

    name: str
    format: Format
    size: int | None
    open_raw: Callable[[], BinaryIO]
    packed: bool = False

    def open(self) -> BinaryIO:
        """Open it for reading, unpacked."""
        raw = self.open_raw()
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if self.packed else raw


def find_files(sources: Sequence[str], *, format_name: str | None = None) -> list[CorpusFile]:
    """Find the files of a corpus.

    :param sources: Files, folders, patterns, or ``-`` for standard input.
    :param format_name: The format of all files; by default that of each file's name.
    :raises CorpusError: If a source is missing or empty, or a file's format is unknown.
    """
    forced = None if format_name is None else named_format(format_name)
    if list(sources) == [STANDARD_INPUT]:
        return [CorpusFile("stdin", forced or FORMATS["jsonl"], None, lambda: sys.stdin.buffer)]
    found: list[tuple[Path, Path]] = []
    for source in sources:
        found += _local(source, any_format=forced is not None)
    base = Path(os.path.commonpath([root for root, _ in found]))
    paths = sorted({path for _, path in found})
    return [_local_file(path, path.relative_to(base).as_posix(), forced) for path in paths]


def _local(source: str, *, any_format: bool) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a source, each with the folder to which its name is relative; all absolute."""
    path = Path(os.path.abspath(source))
    if path.is_dir():
        files = [(path, one) for one in _below(path) if any_format or format_of(one.name)]
    elif path.exists():
        check_file(path)
        files = [(path.parent, path)]
    else:
        matches = sorted(Path(os.path.abspath(one)) for one in glob.glob(source, recursive=True))
        root = Path(os.path.abspath(_fixed_part(source)))
        files = [(root, one) for one in matches if one.is_file() and (any_format or format_of(one.name))]
        if not matches:
            raise CorpusError(
                f"{source} does not exist", remedy="check the path; quote a pattern, as in 'data/*.jsonl'"
            )
    if not files:
        known = ", ".join(suffix for one in FORMATS.values() for suffix in one.suffixes)
        raise CorpusError(
            f"{source} has no file of a corpus", remedy=f"store files that end with {known}, or pass --format"
        )
    yield from files


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, but for those that are hidden or whose name begins with ``_``."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (Path(root, name) for name in names if not name.startswith((".", "_")))


def _fixed_part(pattern: str) -> str:
    """Return the folders of a pattern before its first wildcard."""
    parts = Path(pattern).parts
    fixed = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return os.path.join(*parts[:fixed]) if fixed else "."


def _local_file(path: Path, name: str, forced: Format | None) -> CorpusFile:
    form = forced or format_of(name)
    if form is None:
        raise CorpusError(f"{name}: unknown format", remedy=f"pass --format, one of {', '.join(FORMATS)}")
    return CorpusFile(name, form, path.stat().st_size, lambda: path.open("rb"), is_gzip(name))
