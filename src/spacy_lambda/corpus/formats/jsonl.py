"""JSON Lines: an object a line, such as Prodigy's and the Hub's data sets have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from spacy_lambda.core.annotation import Document, encode_line
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.formats.documents import invalid_document, make_document
from spacy_lambda.corpus.formats.numbered_lines import numbered_lines, too_long
from spacy_lambda.corpus.formats.registry import Columns, Lines, Source, Write

__all__ = ["read", "writer"]


def read(stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
    for number, line in numbered_lines(stream, file):
        if line is None:
            yield too_long(file, number)
        elif line and not line.isspace():
            yield _document(line, file, number, columns)


def _document(line: bytes, file: str, number: int, columns: Columns) -> Document:
    try:
        # NaN is valid for Python's json, which writes it, and for JavaScript's it is null.
        value = parse_json(line, nan_is_null=True, unique_keys=True)
    except ValueError as exc:
        return invalid_document(file, number, f"the line is not valid JSON: {exc}", "correct the line")
    if not isinstance(value, dict):
        return invalid_document(file, number, "the line is not a JSON object", f'write {{"{columns.text}": "..."}}')
    return make_document(value, file, number, columns)


def writer(every: Lines, sources: Sequence[Source], columns: Columns, parts: Sequence[str]) -> Write:
    return _write


def _write(lines: Lines, stream: BinaryIO) -> None:
    for line in lines():
        stream.write(encode_line(line))
