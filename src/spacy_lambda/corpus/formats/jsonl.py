"""JSON Lines: an object a line, such as Prodigy's and the Hub's data sets have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from spacy_lambda.core.annotation import Document, encode_line
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.formats.registry import Columns, Lines

__all__ = ["read", "write"]


def read(stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
    for number, line in enumerate(stream, start=1):
        if not line.isspace():
            yield _document(line, file, number, columns)


def _document(line: bytes, file: str, number: int, columns: Columns) -> Document:
    place = f"{file}:{number}"
    try:
        value = parse_json(line)
    except ValueError as exc:
        return _invalid(place, file, number, f"the line is not valid JSON: {exc}", "correct the line")
    if not isinstance(value, dict):
        return _invalid(place, file, number, "the line is not a JSON object", f'write {{"{columns.text}": "..."}}')
    if columns.text not in value:
        keys = ", ".join(map(repr, list(value)[:10])) or "none"
        return _invalid(
            place, file, number, f"the key {columns.text!r} is missing; keys: {keys}", "name the text's key"
        )
    others = {key: item for key, item in value.items() if key != columns.text}
    own = value.get(columns.id)
    if not isinstance(own, str | int) or isinstance(own, bool):
        return Document(place, value[columns.text], file, number, others)
    del others[columns.id]
    return Document(own, value[columns.text], file, number, others)


def _invalid(place: str, file: str, number: int, message: str, remedy: str) -> Document:
    error = {"errorType": "CorpusError", "errorMessage": message, "remedy": remedy}
    return Document(place, None, file, number, error=error)


def write(lines: Lines, stream: BinaryIO) -> None:
    for line in lines():
        stream.write(encode_line(line))
