"""All that the commands print: what comes from outside reaches a terminal as visible characters, and no more of it.

Names, versions, labels, logs and answers may hold escape sequences, markup, characters that turn the direction of
writing, or ten million letters. So no command prints by itself: it says lines, JSON or a table here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

from spacy_lambda.errors import SpacyLambdaError

__all__ = ["CELL", "LINE", "say", "say_error", "say_json", "say_table", "shown"]

LINE = 10_000
"""Characters of a line at most."""

ERROR = 2_000
"""Characters of a line of an error at most."""

LINES = 1_000
"""Lines of an error at most."""

CELL = 300
"""Characters of a table's cell at most."""

UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)
"""Control and format characters, and halves of surrogate pairs; but not the joiners of emoji and of Persian."""


def shown(value: object, *, limit: int = LINE) -> str:
    """Anything on one line, with what cannot be seen as Python escapes it.

    :param limit: Characters that are taken of it.
    """
    text = str(value)
    cut = f"… ({len(text) - limit:,} characters more)" if len(text) > limit else ""
    return UNSEEN.sub(_visible, text[:limit]) + cut


def say(*lines: object, err: bool = False, limit: int = LINE) -> None:
    """Print lines, each of which stays one; a tab stays a tab, as in the log of a function.

    :param err: On standard error.
    :param limit: Characters of each line at most.
    """
    print(*(_line(line, limit=limit) for line in lines), sep="\n", file=_stream(err=err), flush=True)


def say_error(error: SpacyLambdaError) -> None:
    """Print what happened, and what to do about it. Only these two begin a line."""
    for word, text in (("error", error.message), ("remedy", error.remedy)):
        first, *more = text.replace("\t", r"\t").split("\n")
        lines = (line if line.startswith(" ") else f"  {line}" for line in more[:LINES])
        say(f"{word}: {first}", *lines, err=True, limit=ERROR)


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON that any terminal bears and any parser takes.

    :param indent: ``None`` for one line.
    """
    print(_json(value, indent), flush=True)


def say_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table.

    :param columns: Their names; with ``>`` before it, a column is aligned to the right.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=None if title is None else Text(shown(title, limit=CELL)))
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    for row in rows:
        table.add_row(*(Text(shown(cell, limit=CELL)) for cell in row))
    Console().print(table)


def _line(line: object, *, limit: int) -> str:
    text = str(line)
    cut = text[limit:]
    shortened = "\t".join(shown(part) for part in text[:limit].split("\t"))
    return shortened + (f"… ({len(cut):,} characters more)" if cut else "")


def _visible(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _json(value: Any, indent: int | None) -> str:
    """As Unicode where the terminal has it; a number that JSON has not, such as infinity, is ``null``."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=not unicode, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), indent=indent, ensure_ascii=not unicode)
    return UNSEEN.sub(lambda found: found[0] if found[0] == "\n" else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _stream(*, err: bool) -> IO[str]:
    return sys.stderr if err else sys.stdout
