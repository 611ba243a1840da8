"""The record of a folder that ``convert`` wrote, by which --force removes nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from spacy_lambda.core.files import files_below
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import CorpusError

__all__ = ["RECORD", "check_replaceable", "record_folder"]

RECORD = ".spacy-lambda.json"
"""File with the digest of each file of the folder, by its path below it; readers leave it out, as it is hidden."""


def record_folder(folder: Path) -> None:
    """Write the record of a new folder's files."""
    files = {file.relative_to(folder).as_posix(): _digest(file) for file in files_below(folder)}
    (folder / RECORD).write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")


def check_replaceable(folder: Path) -> None:
    """Refuse a folder that holds more than what ``convert`` wrote.

    :raises CorpusError: If a file is not in its record, or was changed since.
    """
    recorded = _recorded(folder)
    for path in _entries(folder):
        name = path.relative_to(folder).as_posix()
        if name == RECORD:
            continue
        is_file = path.is_file() and not path.is_symlink()
        if name in recorded and is_file and _digest(path) == recorded[name]:
            continue
        reason = "was changed since convert wrote it" if name in recorded else "was not written by convert"
        raise CorpusError(
            f"{path} {reason}, and --force does not replace it",
            remedy="choose another destination, or remove the folder",
        )


def _entries(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())


def _recorded(folder: Path) -> dict[str, str]:
    try:
        files = parse_json((folder / RECORD).read_bytes())["files"]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return files if isinstance(files, dict) else {}


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
