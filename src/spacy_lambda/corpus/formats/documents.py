"""Values of a document in a file -> the document, or its error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spacy_lambda.core.annotation import Document
from spacy_lambda.corpus.formats.registry import Columns, list_names

__all__ = ["CONVERT", "escaped", "invalid_document", "make_document"]

CONVERT = "convert the file, as in: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW"
"""The remedy for text that is not UTF-8. As Latin 1, quotes and dashes of Windows would be control characters."""

BEFORE_ESCAPE = re.compile(r"\\+(?=ud[89a-f][0-9a-f]{2}|[\ud800-\udfff])")
"""Backslashes of a name that would be read as part of an escape."""


def make_document(values: Mapping[str, Any], file: str, number: int, columns: Columns) -> Document:
    """Return the document with these values. Without the text, or a requested identifier, it has an error.

    An identifier of another type than a string or an integer is kept like any other value.
    """
    own = values.get(columns.id)
    known = own if isinstance(own, str | int) and not isinstance(own, bool) else None
    for column, option in columns.needed.items():
        if column not in values:
            problem = f"the key {column!r} is missing; keys: {list_names(values)}"
            invalid = invalid_document(file, number, problem, f"correct the document, or pass {option}")
            return invalid if known is None else replace(invalid, id=known)
    others = {key: item for key, item in values.items() if key != columns.text}
    if known is not None:
        others.pop(columns.id, None)
        return Document(known, values[columns.text], file, number, others)
    if columns.explicit_id:
        problem = f"{columns.id!r} must be a string or an integer, not {own!r:.100}"
        return invalid_document(file, number, problem, "correct it, or pass another --id-column")
    if own is None:
        others.pop(columns.id, None)
    return Document(f"{file}:{number}", values[columns.text], file, number, others)


def invalid_document(file: str, number: int, message: str, remedy: str) -> Document:
    """Return a document that cannot be read, with the reason."""
    error = {"errorType": "CorpusError", "errorMessage": message, "remedy": remedy}
    return Document(f"{file}:{number}", None, file, number, error=error)


def escaped(name: str) -> str:
    """Return a name with escapes in place of lone surrogates; different names stay different.

    Backslashes are doubled before a surrogate and before what looks like its escape, and nowhere else.
    """
    doubled = BEFORE_ESCAPE.sub(lambda found: found[0] * 2, name)
    return doubled.encode("utf-8", "backslashreplace").decode("utf-8")
