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
    b"\xd0\xcf\x11\xe0": ("an Excel or Word file", "save it as CSV or text in UTF-8"),
}
"""First bytes of files of other kinds, with the remedy."""

ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # which begins as the mark of UTF-16 does
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""Encodings by their byte order marks."""

ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, False, True): "UTF-16LE",
    (True, False, True, False): "UTF-16BE",
    (False, True, True, True): "UTF-32LE",
    (True, True, True, False): "UTF-32BE",
}
"""Encodings without a mark, by which of the first bytes are zero: iconv must know the order of their bytes."""


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
    marked = next((encoding for mark, encoding in ENCODINGS.items() if start.startswith(mark)), None)
    encoding = marked or ZEROS.get(tuple(byte == 0 for byte in start[:4]))
    if encoding is not None:
        raise CorpusError(
            f"{file}:1: the file is {encoding}, not UTF-8",
            remedy=f"convert it, as in: iconv -f {encoding} -t UTF-8 FILE > NEW",
        )
    if b"\0" in start[:4]:
        raise CorpusError(f"{file}:1: the file is binary, not text", remedy="leave it out, or fetch it again")


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
