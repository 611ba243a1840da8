"""A file -> its lines with their numbers, in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from spacy_lambda.core.annotation import Document
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.corpus.formats.documents import invalid_document
from spacy_lambda.errors import CorpusError

__all__ = ["MAX_BYTES", "check_start", "numbered_lines", "too_long"]

MAX_BYTES = 64 << 20
"""Maximum size of a document in a file of lines, and of a file that is one document."""

KINDS = {
    b"\x1f\x8b": ("a gzip file", "rename it to end with .gz"),
    b"PK\x03\x04": ("a zip file", "unpack it; if it is an .xlsx file, save the table as CSV in UTF-8"),
    b"PAR1\x15": ("a Parquet file", "rename it to end with .parquet, or pass --from parquet"),
}
"""First bytes of files of other kinds, with the remedy."""


def numbered_lines(stream: BinaryIO, file: str) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines with their ends, numbered from 1, without a byte order mark; ``None`` for one that is too long.

    :raises CorpusError: If the file is in another encoding or of another kind, or its lines end with a carriage return.
    """
    number = 0
    while line := stream.readline(MAX_BYTES + 1):
        number += 1
        if number == 1:
            check_start(line, file)
            _check_end(line, file)
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) <= MAX_BYTES:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(CHUNK_BYTES)
        yield number, None


def too_long(file: str, number: int, *, remedy: str = "split it") -> Document:
    """Return the document of a line that is too long."""
    return invalid_document(file, number, f"the line has more than {MAX_BYTES:,} bytes, the limit", remedy)


def check_start(start: bytes, file: str) -> None:
    """Refuse a file by its first bytes.

    :raises CorpusError: If it is UTF-16 or UTF-32, or not text.
    """
    for first, (kind, remedy) in KINDS.items():
        if start.startswith(first):
            raise CorpusError(f"{file} is {kind}, not text", remedy=remedy)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start[:4]:
        raise CorpusError(
            f"{file}:1: the file is UTF-16 or UTF-32, or binary, not UTF-8",
            remedy="convert it, as in: iconv -f UTF-16 -t UTF-8 FILE > NEW",
        )


def _check_end(first: bytes, file: str) -> None:
    """Refuse lines that end with a carriage return alone: all of them look like one.

    :param first: The first line.
    :raises CorpusError: If they do.
    """
    if not first.endswith(b"\n") and b"\r" in first.rstrip(b"\r"):
        raise CorpusError(
            f"{file}: the lines end with a carriage return alone, as on old Macs",
            remedy="convert them, as in: tr '\\r' '\\n' < FILE > NEW",
        )
