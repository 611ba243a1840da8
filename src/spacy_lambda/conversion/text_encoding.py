"""Bytes of a file -> its text, in UTF-8, UTF-16 or a Windows encoding."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from spacy_lambda.errors import CorpusError

__all__ = ["decode"]

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

WINDOWS = "cp1252"

FOREIGN = re.compile(r"[^\x00-\x7f]{3}")
"""More characters in a row beyond ASCII than words of Western languages have: text in another encoding."""

UTF8_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")

SHOWN = 30
"""Characters of a line that an error shows."""


def decode(content: bytes, file: str, encoding: str | None) -> tuple[str, str | None, bool]:
    """Return a file's text without a byte order mark, a note on how it was read, and whether it has such a mark.

    :param encoding: The encoding that the user names.
    :raises CorpusError: If it is in another encoding, with the line of the first byte that is not.
    """
    if encoding is not None:
        text = _decoded(content, file, encoding)
        return text.removeprefix("\ufeff"), None, text.startswith("\ufeff")
    for mark, name in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            note = f"read as {name.upper().removesuffix('-LE').removesuffix('-BE')}, with a byte order mark"
            return _decoded(content[len(mark) :], file, name), note, True
    if b"\0" in content:
        return (*_without_mark(content, file), False)
    try:
        return content.decode(), None, False
    except UnicodeDecodeError as exc:
        return _windows(content, file, exc), f"not UTF-8; read as {WINDOWS}, the Windows encoding", False


def _without_mark(content: bytes, file: str) -> tuple[str, str]:
    """Read UTF-16 without a byte order mark, by its zeros: Western text has one in each second byte."""
    even, odd = content[0::2].count(0), content[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    if max(even, odd) < len(content) // 4 or min(even, odd) > len(content) // 100:
        raise CorpusError(
            f"{file}:{content.count(bytes([10]), 0, content.index(0)) + 1}: the file is binary, not text",
            remedy="give a file of annotations, or name its format with --format",
        )
    return _decoded(content, file, name), "read as UTF-16 without a byte order mark"


def _windows(content: bytes, file: str, error: UnicodeDecodeError) -> str:
    try:
        text = content.decode(WINDOWS)
    except UnicodeDecodeError:
        text = ""
    if not text or UTF8_CHARACTER.search(content) or FOREIGN.search(text):
        raise _not_text(content, file, "UTF-8", error) from error
    return text


def _decoded(content: bytes, file: str, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError as exc:
        raise CorpusError(f"unknown encoding {encoding!r}", remedy="choose one of Python's, such as cp1252") from exc
    except UnicodeDecodeError as exc:
        raise _not_text(content, file, encoding, exc) from exc


def _not_text(content: bytes, file: str, encoding: str, error: UnicodeDecodeError) -> CorpusError:
    line = content.count(b"\n", 0, error.start) + 1
    begin = content.rfind(b"\n", 0, error.start) + 1
    before = content[max(begin, error.start - SHOWN) : error.start].decode(encoding, "replace")
    return CorpusError(
        f"{file}:{line}: byte 0x{content[error.start]:02x} after {before!r} is not {encoding}",
        remedy=f"name the file's encoding, as in --encoding {_suggestion(content, line)}",
    )


def _suggestion(content: bytes, line: int) -> str:
    """Return a common encoding that reads the line: a Western one, unless the text would then be foreign."""
    found = content.split(b"\n")[line - 1]
    is_foreign = FOREIGN.search(found.decode("latin-1")) is not None
    candidates: Sequence[str] = ("shift_jis", "gb18030", "cp1251") if is_foreign else (WINDOWS,)
    for name in candidates:
        try:
            found.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"
