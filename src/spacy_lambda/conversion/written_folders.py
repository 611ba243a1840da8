"""The record of a folder that ``convert`` wrote, by which --force removes nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from spacy_lambda.core.files import files_below, read_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.strict_json import check_fields, read_json
from spacy_lambda.errors import CorpusError, JsonError

__all__ = ["RECORD", "check_replaceable", "record_folder"]

RECORD = ".spacy-lambda.json"
"""File with the digest of each file of the folder, by its path below it; readers leave it out, as it is hidden."""

FORMAT_VERSION = 1
FIELDS = {"format_version": int, "files": dict}
MAX_RECORD = 256 << 20

REMEDY = "choose another destination, or remove the folder"


def record_folder(folder: Path) -> None:
    """Write the record of a new folder's files."""
    files = {file.relative_to(folder).as_posix(): _digest(file) for file in files_below(folder)}
    content = {"format_version": FORMAT_VERSION, "files": files}
    (folder / RECORD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def check_replaceable(folder: Path) -> None:
    """Refuse a folder that holds more than what ``convert`` wrote.

    :raises CorpusError: If something in it is not in its record, or was changed since, or if it cannot be read.
    """
    try:
        recorded = _recorded(folder)
        for path in _entries(folder):
            name = path.relative_to(folder).as_posix()
            if name == RECORD:
                continue
            is_file = path.is_file() and not path.is_symlink()
            if name in recorded and is_file and _digest(path) == recorded[name]:
                continue
            reason = "was changed since convert wrote it" if name in recorded else "was not written by convert"
            raise CorpusError(f"{path} {reason}, and --force does not replace it", remedy=REMEDY)
    except OSError as exc:
        problem = f"{exc.filename or folder} cannot be read: {system_reason(exc)}"
        raise CorpusError(f"{problem}; --force does not replace {folder}", remedy=REMEDY) from exc


def _entries(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, links, and folders that are empty.

    :raises OSError: If a folder cannot be read.
    """

    def fail(error: OSError) -> NoReturn:
        raise error

    for root, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        found = [*names, *(name for name in folders if Path(root, name).is_symlink())]
        yield from (Path(root, name) for name in sorted(found))
        if not folders and not names and Path(root) != folder:
            yield Path(root)


def _recorded(folder: Path) -> dict[str, object]:
    """Return the digests in a folder's record; none if it has no record.

    :raises CorpusError: If the record is not as ``convert`` wrote it.
    """
    record = folder / RECORD
    if not os.path.lexists(record):
        return {}
    try:
        if record.is_symlink():
            raise JsonError(f"{record} is a link", remedy=REMEDY)
        content = read_json(read_file(record, limit=MAX_RECORD), name=str(record), max_bytes=MAX_RECORD)
        files: dict[str, object] = check_fields(content, FIELDS, name=str(record))["files"]
        if content["format_version"] != FORMAT_VERSION:
            raise JsonError(f"{record} has the format version {content['format_version']}", remedy=REMEDY)
    except JsonError as exc:
        message = f"{exc.message}, which is not as convert writes it; --force does not replace {folder}"
        raise CorpusError(message, remedy=REMEDY) from exc
    return files


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
