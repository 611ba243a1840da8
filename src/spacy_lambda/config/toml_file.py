"""Reading ``spacy-lambda.toml``: its values as TOML has them, not yet validated."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from spacy_lambda.config.faults import Fault
from spacy_lambda.core.files import read_file
from spacy_lambda.core.foreign_errors import system_reason, value_reason
from spacy_lambda.errors import ConfigError

__all__ = ["FILE", "WORK_FOLDER", "parse_toml", "read_text", "read_toml"]

FILE = "spacy-lambda.toml"
WORK_FOLDER = ".spacy-lambda"
"""Folder next to the file for bundles and templates; it can be removed at any time."""

MAX_BYTES = 1024 * 1024

AT_LINE = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", re.DOTALL)
REMEDY = "strings are in quotes, a table begins with [its.name], each key is written once: https://toml.io"


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file.

    :raises ConfigError: If there is none, or it is not TOML.
    """
    return parse_toml(read_text(path), path)


def read_text(path: Path) -> str:
    """Read the text of a file.

    :raises ConfigError: If there is none, or it is not text.
    """
    try:
        # Some editors on Windows begin a file with a byte order mark.
        return read_file(path, limit=MAX_BYTES).decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError as exc:
        remedy = "create it with `spacy-lambda init --pipeline LOCATION`, or name another with --config"
        raise _invalid(path, f"does not exist; looked in {_current_folder()}", remedy) from exc
    except UnicodeDecodeError as exc:
        raise _invalid(path, f"is not UTF-8: see byte {exc.start}", "save it as UTF-8") from exc
    except (OSError, ValueError) as exc:
        raise _invalid(path, f"cannot be read: {system_reason(exc)}", "name a readable file with --config") from exc


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Parse the text of a file.

    :param path: Its path, for the error.
    :raises ConfigError: If it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as exc:
        raise _invalid(path, "is nested too deeply", "write plain tables") from exc
    # Not only TOMLDecodeError: int() refuses a number with thousands of digits.
    except ValueError as exc:
        at = AT_LINE.fullmatch(str(exc))
        if at is None:
            raise _invalid(path, f"is not TOML: {value_reason(exc)}", REMEDY) from exc
        line = text.split("\n")[int(at["line"]) - 1].strip()
        problem, key = f"is not TOML: {at['what']}: {line[:80]}", f"line {at['line']}, column {at['column']},"
        raise _invalid(path, problem, REMEDY, key=key) from exc


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "the current folder, which was deleted"


def _invalid(path: Path, problem: str, remedy: str, *, key: str = "the file") -> ConfigError:
    return ConfigError(str(path), [Fault(key, problem, remedy)])
