"""A file of JSON -> its objects with their lines: JSON Lines, an array, or objects over several lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spacy_lambda.conversion.annotated_document import Line
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import CorpusError

__all__ = ["JsonItem", "first_item", "json_files", "json_items"]

SUFFIXES = (".json", ".jsonl", ".ndjson", ".jsonlines", ".json1")
STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]|"', re.DOTALL)
"""Strings, brackets, and a quote that is not closed."""

MAX_ITEM = 32 << 20
"""Maximum characters of an object."""


@dataclass(frozen=True)
class JsonItem:
    """A value of a file.

    :param file: The file.
    :param line: The line in which it begins, with its number if others are in the same line.
    :param number: Its number in the file, from 1.
    :param value: The value.
    """

    file: SourceFile
    line: Line
    number: int
    value: Any

    def object(self) -> Mapping[str, Any]:
        """Return the value.

        :raises CorpusError: If it is not an object.
        """
        if not isinstance(self.value, dict):
            raise self.error(f"{self.value!r:.100} is not a JSON object", "correct the file")
        return self.value

    def error(self, problem: str, remedy: str) -> CorpusError:
        """Return the error of this item."""
        return CorpusError(f"{self.file.name}:{self.line}: {problem}", remedy=remedy)

    def with_value(self, value: Any) -> JsonItem:
        """Return the item with another value."""
        return replace(self, value=value)


def json_files(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Return the files that hold JSON."""
    named = [one for one in files if one.suffix in SUFFIXES or (len(files) == 1 and one.suffix != ".spacy")]
    return [one for one in named if one.content[:16].strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in (b"{", b"[")]


def first_item(file: SourceFile) -> Any:
    """Return the first value of a file.

    :raises CorpusError: If it is not valid JSON.
    """
    return next((item.value for item in _items(file)), None)


def json_items(file: SourceFile, reading: ReadingContext) -> Iterator[JsonItem]:
    """Yield the values of a file.

    :raises CorpusError: If one of them is not valid JSON, with its line.
    """
    file.check_not_empty()
    if file.note:
        reading.account.note(f"files {file.note}", f"{file.name}:1")
    yield from _items(file)


def _items(file: SourceFile) -> Iterator[JsonItem]:
    text = file.text
    line, counted, before = 1, 0, 0
    for number, (start, end) in enumerate(_extents(text, file), start=1):
        line += text.count("\n", counted, start)
        gap, counted, before = text[before:start], start, end
        place: Line = line if "\n" in gap or not gap.strip() else f"{line}, item {number}"
        if end - start > MAX_ITEM:
            raise CorpusError(
                f"{file.name}:{place}: the object has {end - start:,} characters; the limit is {MAX_ITEM:,}",
                remedy="split the document",
            )
        yield JsonItem(file, place, number, _parsed(text[start:end], file, line, place))


def _extents(text: str, file: SourceFile) -> Iterator[tuple[int, int]]:
    """Yield the first character of each value, and the one after its last."""
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] == "[" and not _is_array_line(text, start):
        yield from _nested(text, start + 1, file, in_array=True)
        return
    end = text.find("\n", start)
    first = text[start : len(text) if end < 0 else end].strip()
    if first[-1:] in ("}", "]"):
        yield from _by_line(text)
    else:
        yield from _nested(text, start, file, in_array=False)


def _is_array_line(text: str, start: int) -> bool:
    """Return whether the first line is an array by itself and others follow: JSON Lines of spaCy 2."""
    end = text.find("\n", start)
    return end > 0 and text[start:end].strip().endswith("]") and text[end:].lstrip()[:1] == "["


def _by_line(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        found = text.find("\n", start)
        end = len(text) if found < 0 else found
        if text[start:end].strip():
            yield start, end
        start = end + 1


def _nested(text: str, position: int, file: SourceFile, *, in_array: bool) -> Iterator[tuple[int, int]]:
    """Yield values that are not in others, by their brackets."""
    depth, start = 0, position
    for found in STRUCTURE.finditer(text, position):
        mark = found[0]
        if mark == '"':
            raise _cut(text, found.start(), file, "a string is not closed")
        if mark in "[{":
            if depth == 0:
                start = found.start()
            depth += 1
        elif mark in "]}":
            depth -= 1
            if depth == 0:
                yield start, found.end()
            elif depth < 0:
                if not in_array or text[found.end() :].strip():
                    raise _cut(text, found.start(), file, f"{mark!r} closes nothing")
                return
    if depth:
        raise _cut(text, start, file, "the value that begins here is not closed")
    if in_array:
        raise _cut(text, len(text.rstrip()), file, "the array is not closed")


def _cut(text: str, position: int, file: SourceFile, problem: str) -> CorpusError:
    line = text.count("\n", 0, position) + 1
    return CorpusError(
        f"{file.name}:{line}: {problem}: the file is truncated or is not valid JSON",
        remedy="export the annotations again",
    )


def _parsed(text: str, file: SourceFile, line: int, place: Line) -> Any:
    try:
        return parse_json(text, nan_is_null=True, unique_keys=True)
    except json.JSONDecodeError as exc:
        is_cut = exc.pos >= len(text.rstrip()) or exc.msg.startswith("Unterminated")
        where = f"{file.name}:{place if exc.lineno == 1 else line + exc.lineno - 1}"
        reason = f"{exc.msg.removesuffix(' at')} at character {exc.colno:,}"
        raise CorpusError(
            f"{where}: {'the file is truncated: ' if is_cut else ''}the line is not valid JSON: {reason}",
            remedy="export the annotations again, or correct the line",
        ) from exc
    except ValueError as exc:
        raise CorpusError(f"{file.name}:{place}: not valid JSON: {exc}", remedy="correct the line") from exc
