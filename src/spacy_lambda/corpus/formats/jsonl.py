"""JSON Lines: an object a line, such as Prodigy's and the Hub's data sets have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from spacy_lambda.core.annotation import Document, encode_line
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.formats.documents import CONVERT, invalid_document, make_document
from spacy_lambda.corpus.formats.numbered_lines import numbered_lines, too_long
from spacy_lambda.corpus.formats.registry import Columns, Lines, Source, Write
from spacy_lambda.errors import CorpusError

__all__ = ["read", "writer"]

ARRAY_REMEDY = "convert an array, as in: jq -c '.[]' FILE > NEW.jsonl"


def read(stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
    is_first = True
    for number, line in numbered_lines(stream, file):
        if line is None:
            yield too_long(file, number, remedy=f"{ARRAY_REMEDY}, or split the object")
        elif not line or line.isspace():
            continue
        else:
            if is_first:
                _check_first(line.strip(), file, number)
            yield _document(line, file, number, columns)
        is_first = False


def _check_first(line: bytes, file: str, number: int) -> None:
    """Refuse JSON that is not an object a line, by the first line that is not blank.

    :raises CorpusError: If it is an array, or an object over several lines.
    """
    if line.startswith(b"["):
        raise CorpusError(
            f"{file}:{number}: the file is a JSON array, not JSON Lines",
            remedy=ARRAY_REMEDY,
        )
    if line == b"{":
        raise CorpusError(
            f"{file}:{number}: the file has JSON over several lines, not JSON Lines",
            remedy="convert it, as in: jq -c . FILE > NEW.jsonl",
        )


def _document(line: bytes, file: str, number: int, columns: Columns) -> Document:
    try:
        # NaN is valid for Python's json, which writes it, and for JavaScript's it is null.
        value = parse_json(line, nan_is_null=True, unique_keys=True)
    except UnicodeDecodeError as exc:
        return invalid_document(file, number, f"byte {exc.start + 1:,} of the line is not UTF-8", CONVERT)
    except json.JSONDecodeError as exc:
        is_comma = exc.msg == "Extra data" and exc.doc[exc.pos :].strip() == ","
        remedy = "remove the comma at its end" if is_comma else "correct the line"
        reason = f"{exc.msg.removesuffix(' at')} at character {exc.colno:,}"
        return invalid_document(file, number, f"the line is not valid JSON: {reason}", remedy)
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
