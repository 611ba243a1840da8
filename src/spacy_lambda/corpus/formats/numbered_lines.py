"""A file -> its lines with their numbers, in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from spacy_lambda.core.annotation import Document
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.corpus.formats.documents import invalid_document
from spacy_lambda.errors import CorpusError

__all__ = ["MAX_BYTES", "check_encoding", "numbered_lines", "too_long"]

MAX_BYTES = 64 << 20
"""Maximum size of a document in a file of lines, and of a file that is one document."""


def numbered_lines(stream: BinaryIO, file: str) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines with their ends, numbered from 1, without a byte order mark; ``None`` for one that is too long.

    :raises CorpusError: If the file is UTF-16 or UTF-32.
    """
    number = 0
    while line := stream.readline(MAX_BYTES + 1):
        number += 1
        if number == 1:
            check_encoding(line, file)
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) <= MAX_BYTES:
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(CHUNK_BYTES)
        yield number, None


def too_long(file: str, number: int) -> Document:
    """Return the document of a line that is too long."""
    return invalid_document(file, number, f"the line has more than {MAX_BYTES:,} bytes, the limit", "split it")


def check_encoding(start: bytes, file: str) -> None:
    """Refuse UTF-16 and UTF-32 by the first bytes of a file.

    :raises CorpusError: If it is one of them.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start[:4]:
        raise CorpusError(
            f"{file}:1: the file is UTF-16 or UTF-32, or binary, not UTF-8",
            remedy="convert it, as in: iconv -f UTF-16 -t UTF-8 FILE > NEW",
        )
