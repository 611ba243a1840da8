"""The file -> its values, as TOML has them. Nothing is judged here."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.config.faults import Fault
from spacy_lambda.core.files import read_file
from spacy_lambda.errors import ConfigError

__all__ = ["FILE", "Document", "parse_text", "read_document"]

FILE = "spacy-lambda.toml"
MAX_BYTES = 1024 * 1024

AT_LINE = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", re.DOTALL)
TOML = "strings are in quotes, a table begins with [its.name], each key is written once: https://toml.io"


@dataclass(frozen=True)
class Document:
    """What a file says.

    :param path: The file.
    :param values: As TOML has them; not yet checked.
    """

    path: Path
    values: dict[str, Any]


def read_document(path: Path | None = None) -> Document:
    """Read a project's file.

    :param path: ``None`` for ``spacy-lambda.toml`` in the current folder.
    :raises ConfigError: If there is none, or it is no TOML.
    """
    path = path or Path(FILE)
    try:
        # Some editors of Windows begin a file with a byte order mark.
        text = read_file(path, limit=MAX_BYTES).decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError as exc:
        remedy = "'spacy-lambda init --pipeline LOCATION' writes one; or name it with --config"
        raise _refused(path, f"is not there; looked in {Path.cwd()}", remedy) from exc
    except UnicodeDecodeError as exc:
        raise _refused(path, f"is not UTF-8: see byte {exc.start}", "save it as UTF-8") from exc
    except (OSError, ValueError) as exc:
        raise _refused(path, f"cannot be read: {exc}", "name a file that can be read with --config") from exc
    return Document(path, parse_text(text, path))


def parse_text(text: str, path: Path) -> dict[str, Any]:
    """Values of a file's text.

    :param path: Where it is from, for the message.
    :raises ConfigError: If it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as exc:
        raise _refused(path, "is nested too deeply", "write plain tables") from exc
    # More than TOMLDecodeError: tomllib lets through what int() says of a number with thousands of digits.
    except ValueError as exc:
        raise _no_toml(path, text, str(exc)) from exc


def _no_toml(path: Path, text: str, said: str) -> ConfigError:
    match = AT_LINE.fullmatch(said)
    if match is None:
        return _refused(path, f"is no TOML: {said}", TOML)
    line = text.split("\n")[int(match["line"]) - 1].strip()
    where = f"line {match['line']}, column {match['column']},"
    return ConfigError(str(path), [Fault(where, f"is no TOML: {match['what']}: {line[:80]}", TOML)])


def _refused(path: Path, what: str, remedy: str) -> ConfigError:
    return ConfigError(str(path), [Fault("the file", what, remedy)])
