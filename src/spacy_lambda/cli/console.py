"""Everything that the commands print: lines, errors, JSON and tables, with untrusted text as visible characters.

Names, versions, labels, logs and responses may contain escape sequences, markup, bidirectional control characters, or
ten million letters. No command prints in any other way; the standard streams are opened and closed here too, so that
neither is ever the reason why a command fails.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

from spacy_lambda.core.location import Location
from spacy_lambda.errors import SpacyLambdaError

__all__ = [
    "LOG_LINE",
    "MAX_CELL",
    "MAX_LINE",
    "discard_output",
    "is_terminal",
    "open_streams",
    "print_error",
    "print_json",
    "print_lines",
    "print_table",
    "print_wrapped",
    "printable",
]

MAX_LINE = 10_000
"""Maximum characters of a line."""

ERROR = 2_000
"""Maximum characters of a line of an error."""

LINES = 1_000
"""Maximum lines of an error."""

MAX_CELL = 300
"""Maximum characters of a table's cell."""

MAX_ROW = 100_000
"""Maximum characters of a table's row that is not drawn."""

NARROW = 80
"""Width of a terminal below which a table that is wider is not drawn."""

READABLE = 40
"""Columns that wrapped text has at least, where the terminal has them."""

LOG_LINE = 256 * 1024
"""Maximum characters of a line of a function's log, as in CloudWatch."""

INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)
"""Control and format characters, and lone surrogates; but not the joiners of emoji and of Persian."""

_NAMES = ("stdin", "stdout", "stderr")


def printable(value: object, *, limit: int = MAX_LINE) -> str:
    """Return a value on one line, with invisible characters escaped as in Python.

    :param limit: Maximum characters that are kept of it.
    """
    text = str(value)
    cut = f"… ({len(text) - limit:,} characters more)" if len(text) > limit else ""
    return INVISIBLE.sub(_escaped, text[:limit]) + cut


def print_lines(*lines: object, err: bool = False, limit: int = MAX_LINE) -> None:
    """Print each value on one line; a tab stays a tab, as in a function's log.

    :param err: On standard error.
    :param limit: Maximum characters of each line.
    """
    print(*(_line(line, limit=limit) for line in lines), sep="\n", file=_stream(err=err), flush=True)


def print_wrapped(*lines: object, hang: int, err: bool = False) -> None:
    """Print each value as :func:`print_lines` does, on a terminal broken between words.

    :param hang: Columns by which the lines that continue a line are indented.
    :param err: On standard error.
    """
    if not (_stream(err=True).isatty() if err else is_terminal()):
        print_lines(*lines, err=err)
        return
    width = shutil.get_terminal_size().columns
    indent = " " * min(hang, max(2, width - READABLE))
    print_lines(*(part for line in lines for part in _wrapped(printable(line), width, indent)), err=err)


def _wrapped(line: str, width: int, indent: str) -> list[str]:
    parts = textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
    return parts or [""]


def print_error(error: SpacyLambdaError) -> None:
    """Print an error and its remedy. Only these two begin a line; continuation lines are indented."""
    for word, text in (("error", error.message), ("remedy", error.remedy)):
        first, *more = text.replace("\t", r"\t").split("\n")
        lines = (line if line.startswith(" ") else f"  {line}" for line in more[:LINES])
        print_lines(f"{word}: {first}", *lines, err=True, limit=ERROR)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON that is safe on any terminal and valid for any parser.

    :param value: Plain values and dataclasses; paths, locations and times are printed as strings.
    :param indent: ``None`` for one line.
    """
    print(_json(value, indent), flush=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table; a line of tab-separated values for each row, if the output is not a terminal.

    On a terminal that is too narrow for the columns, or their longest words, each cell of a row is a line, with its
    heading.

    :param columns: Their headings; a leading ``>`` aligns a column to the right.
    """
    headings = [column.removeprefix(">") for column in columns]
    if not is_terminal():
        lines = [[printable(cell) for cell in row] for row in rows]
        print_lines(*([] if title is None else [title]), *map("\t".join, [headings, *lines]), limit=MAX_ROW)
        return
    cells = [[printable(cell, limit=MAX_CELL) for cell in row] for row in rows]
    if _is_too_narrow([headings, *cells]):
        print_lines(*([] if title is None else [title]), *_records(headings, cells))
    else:
        _draw_table(columns, cells, title)


def is_terminal() -> bool:
    """Return whether standard output is a terminal, or ``TTY_COMPATIBLE=1`` declares it as one."""
    return os.environ.get("TTY_COMPATIBLE") == "1" or sys.stdout.isatty()


def _is_too_narrow(rows: Sequence[Sequence[str]]) -> bool:
    width = shutil.get_terminal_size().columns
    natural = [max(map(len, column)) for column in zip(*rows, strict=True)]
    words = [max(map(_longest_word, column)) for column in zip(*rows, strict=True)]
    frame = 3 * len(natural) + 1
    return sum(words) + frame > width or sum(natural) + frame > width < NARROW


def _longest_word(cell: str) -> int:
    return max(map(len, cell.split()), default=0)


def _records(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        if number:
            yield ""
        for heading, cell in zip(headings, row, strict=True):
            if cell:
                yield f"{heading}: {cell}" if heading else cell


def _draw_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=None if title is None else Text(printable(title, limit=MAX_CELL)))
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        table.add_column(column.removeprefix(">"), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def open_streams() -> None:
    """Open standard streams that the caller closed, and escape characters that an output's encoding lacks.

    Otherwise the next file that is opened would take the number of a closed stream, and other programs write to it.
    """
    for number, name in enumerate(_NAMES):
        stream = getattr(sys, name)
        if stream is None:
            _open_null(number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Flush both outputs, and drop output that cannot be written."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            _open_null(number)
            with suppress(OSError, ValueError):
                stream.flush()


def _open_null(number: int) -> None:
    found = os.open(os.devnull, os.O_RDWR)
    if found == number:
        os.set_inheritable(number, True)
    else:
        os.dup2(found, number)
        os.close(found)


def _line(line: object, *, limit: int) -> str:
    text = str(line)
    cut = text[limit:]
    shortened = "\t".join(printable(part) for part in text[:limit].split("\t"))
    return shortened + (f"… ({len(cut):,} characters more)" if cut else "")


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _json(value: Any, indent: int | None) -> str:
    """Use Unicode if the terminal supports it."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    text = json.dumps(_plain(value), indent=indent, ensure_ascii=not unicode, allow_nan=False)
    return INVISIBLE.sub(lambda found: found[0] if found[0] == "\n" else _json_escaped(found[0]), text)


def _json_escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"


def _plain(value: Any) -> Any:
    """Return a value that JSON can express; ``null`` for a number that it lacks, such as infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path | Location):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _stream(*, err: bool) -> IO[str]:
    return sys.stderr if err else sys.stdout
