"""The table of formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol, Self, cast

from spacy_lambda.core.annotation import Document
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.errors import CorpusError

__all__ = [
    "FORMATS",
    "Columns",
    "Format",
    "FormatModule",
    "Lines",
    "bare_name",
    "format_of",
    "is_gzip",
    "list_names",
    "named_format",
]

Lines = Callable[[], Iterator[dict[str, Any]]]
"""Returns annotated documents, in order; may be called more than once."""

Write = Callable[[Lines, BinaryIO], None]
"""Writes a file of the output."""


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

    @classmethod
    def of(cls, text: str, id_column: str | None) -> Self:
        """Return the columns that a user names; ``None`` for an identifier that need not exist."""
        return cls(text=text) if id_column is None else cls(text=text, id=id_column, explicit_id=True)

    @property
    def needed(self) -> dict[str, str]:
        """The columns that must exist, with the options that name them."""
        return {self.text: "--text-column"} | ({self.id: "--id-column"} if self.explicit_id else {})

    def check(self, names: Sequence[str], place: str) -> None:
        """Check the columns of a table.

        :param place: Where their names are, for the error.
        :raises CorpusError: If one that is needed is missing.
        """
        for column, option in self.needed.items():
            if column not in names:
                raise CorpusError(
                    f"{place}: the column {column!r} is missing; columns: {list_names(names)}",
                    remedy=f"pass {option} with one of them; annotate files with other columns in several runs, by"
                    " patterns such as '*.csv', each into a destination of its own",
                )


SHOWN_NAMES = 20


def list_names(names: Iterable[str]) -> str:
    """Return names for a message, the first ones if there are many."""
    every = list(names)
    more = f", and {len(every) - SHOWN_NAMES:,} more" if len(every) > SHOWN_NAMES else ""
    return (", ".join(repr(name[:100]) for name in every[:SHOWN_NAMES]) or "none") + more


class FormatModule(Protocol):
    """The interface of a format's module."""

    def read(self, stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
        """Yield the documents of a file, one after the other, without holding the whole file if the format permits.

        An error in one document is that document's, so that the documents after it are not lost.

        :param file: The file's name, for documents and errors.
        :raises CorpusError: If the file as a whole cannot be read, naming the file and the place in it.
        """
        ...

    def writer(self, every: Lines, sources: Sequence[Source], columns: Columns, parts: Sequence[str]) -> Write:
        """Return the function that writes the output's files. A format that is only read does not have it.

        :param every: All annotated documents; a file has all or some of them.
        :param sources: The files of the corpus.
        :param columns: Their columns.
        :param parts: The parts of a Doc that are requested; a table has their columns also without documents.
        :raises CorpusError: If the format cannot hold them.
        """
        ...


class Source(Protocol):
    """A file of the corpus."""

    @property
    def format(self) -> Format: ...

    @property
    def read_once(self) -> bool:
        """True if it can be opened only once, as standard input."""
        ...

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open it, unpacked."""
        ...


@dataclass(frozen=True)
class Format:
    """A format.

    :param name: Its name, as in ``--from`` and ``--to``.
    :param suffixes: Suffixes of its files' names.
    :param module: The module that reads and writes it, in this package; with ``:``, an attribute of it.
    :param is_written: ``False`` if it can only be read.
    :param single_document: ``True`` if each file is one document.
    :param compressed: ``True`` if its files are compressed in themselves: their names do not end with ``.gz``.
    :param parts: The parts of a Doc that it always has, and the only ones; ``None`` for those that are requested.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    is_written: bool = True
    single_document: bool = False
    compressed: bool = False
    parts: tuple[str, ...] | None = None

    def included(self, include: Iterable[str]) -> tuple[str, ...]:
        """Return the parts of a Doc that its files have, if these are requested.

        :raises CorpusError: If it cannot hold one of them.
        """
        wanted = tuple(include)
        if self.parts is None:
            return wanted
        left_out = [part for part in wanted if part not in self.parts]
        if left_out:
            raise CorpusError(
                f"{self.name} cannot hold {', '.join(left_out)}, only {', '.join(self.parts)}",
                remedy="choose another format, such as parquet or jsonl",
            )
        return self.parts

    def open(self) -> FormatModule:
        """Import the module."""
        name, _, attribute = self.module.partition(":")
        module = import_module(f"spacy_lambda.corpus.formats.{name}")
        return cast(FormatModule, getattr(module, attribute) if attribute else module)


FORMATS = {
    one.name: one
    for one in (
        Format("jsonl", (".jsonl", ".ndjson"), "jsonl"),
        Format("csv", (".csv",), "delimited:csv", parts=("ents",)),
        Format("tsv", (".tsv",), "delimited:tsv", parts=("ents",)),
        Format("tsv-unquoted", (), "delimited:tsv_unquoted", is_written=False),
        Format("parquet", (".parquet", ".pq"), "parquet", compressed=True),
        Format("spacy", (".spacy",), "docbin", compressed=True, parts=DOC_PARTS),
        Format("text", (".txt",), "text", is_written=False, single_document=True),
        Format("lines", (), "lines", is_written=False),
    )
}
"""The formats by name."""


def is_gzip(name: str) -> bool:
    """Return whether a file is packed with gzip, by its name."""
    return name.lower().endswith(".gz")


def bare_name(name: str) -> str:
    """Return a file's name without ``.gz``."""
    return name[:-3] if is_gzip(name) else name


def format_of(name: str) -> Format | None:
    """Return the format of a file by its name, with or without ``.gz``; ``None`` if it is none of a corpus."""
    suffix = PurePosixPath(bare_name(name)).suffix.lower()
    found = next((one for one in FORMATS.values() if suffix in one.suffixes), None)
    return None if found is not None and found.compressed and is_gzip(name) else found


def named_format(name: str, *, choices: Iterable[str] = FORMATS) -> Format:
    """Return a format by its name.

    :raises CorpusError: If it is unknown.
    """
    if name not in choices:
        raise CorpusError(f"unknown format {name!r}", remedy=f"choose from {', '.join(choices)}")
    return FORMATS[name]
