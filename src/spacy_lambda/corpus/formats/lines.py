"""Plain text: a line is a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from spacy_lambda.core.annotation import Document
from spacy_lambda.corpus.formats.documents import CONVERT, invalid_document
from spacy_lambda.corpus.formats.numbered_lines import numbered_lines, too_long
from spacy_lambda.corpus.formats.registry import Columns

__all__ = ["read"]


def read(stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
    for number, line in numbered_lines(stream, file):
        if line is None:
            yield too_long(file, number)
        elif line and not line.isspace():
            yield _document(line.removesuffix(b"\n").removesuffix(b"\r"), file, number)


def _document(line: bytes, file: str, number: int) -> Document:
    try:
        return Document(f"{file}:{number}", line.decode(), file, number)
    except UnicodeDecodeError as exc:
        return invalid_document(file, number, f"byte {exc.start + 1:,} of the line is not UTF-8", CONVERT)
