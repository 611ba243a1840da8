"""The table of formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol, cast

from spacy_lambda.core.annotation import Document
from spacy_lambda.errors import CorpusError

__all__ = ["FORMATS", "Columns", "Format", "FormatModule", "Lines", "format_of", "is_gzip", "named_format"]

Lines = Callable[[], Iterator[dict[str, Any]]]
"""Returns the annotated documents of an output file, in order; may be called more than once."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Columns of tables, or keys of objects.

    :param text: The text's.
    :param id: The identifier's.
    :param explicit_id: ``True`` if the user named it, so that it must exist.
    """

    text: str = "text"
    id: str = "id"
    explicit_id: bool = False


class FormatModule(Protocol):
    """What the module of a format contains."""

    def read(self, stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
        """Yield the documents of a file, one after the other, without holding the whole file if the format permits.

        What is wrong with one document is its error. So documents after it are not lost.

        :param file: The file's name, for documents and errors.
        :raises CorpusError: If the file as a whole cannot be read, naming the file and the place in it.
        """
        ...

    def write(self, lines: Lines, stream: BinaryIO) -> None:
        """Write annotated documents as one file.

        :raises CorpusError: If the format cannot hold them.
        """
        ...


@dataclass(frozen=True)
class Format:
    """A format.

    :param name: Its name, as in ``--format``.
    :param suffixes: Suffixes of its files' names.
    :param module: The module that reads and writes it.
    :param is_written: ``False`` if it can only be read.
    :param single_document: ``True`` if each file is one document.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    is_written: bool = True
    single_document: bool = False

    def open(self) -> FormatModule:
        """Import the module."""
        return cast(FormatModule, import_module(self.module))


_PACKAGE = "spacy_lambda.corpus.formats"

FORMATS = {one.name: one for one in (Format("jsonl", (".jsonl", ".ndjson"), f"{_PACKAGE}.jsonl"),)}
"""The formats by name."""


def is_gzip(name: str) -> bool:
    """Return whether a file's name is that of a gzip file."""
    return name.lower().endswith(".gz")


def format_of(name: str) -> Format | None:
    """Return the format of a file by its name, with or without ``.gz``; ``None`` if it is none of a corpus."""
    suffix = PurePosixPath(name[:-3] if is_gzip(name) else name).suffix.lower()
    return next((one for one in FORMATS.values() if suffix in one.suffixes), None)


def named_format(name: str, *, choices: Iterable[str] = FORMATS) -> Format:
    """Return a format by its name.

    :raises CorpusError: If it is unknown.
    """
    if name not in choices:
        raise CorpusError(f"unknown format {name!r}", remedy=f"choose from {', '.join(choices)}")
    return FORMATS[name]
