"""The user's source -> the files of annotations, each with its text and lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from spacy_lambda.conversion.text_encoding import decode
from spacy_lambda.conversion.written_folders import RECORD
from spacy_lambda.core.files import files_below, is_hidden, read_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.errors import CorpusError

__all__ = ["MAX_LINE_CHARACTERS", "SourceFile", "find_source"]

MAX_FILE_BYTES = 1 << 30
"""Maximum size of a file of annotations, which is read as a whole."""

MAX_LINE_CHARACTERS = 1_000_000
"""Maximum length of a line of a token or a span."""

ARCHIVES = (".zip", ".gz", ".tgz", ".tar", ".7z")


@dataclass(frozen=True, eq=False)
class SourceFile:
    """A file of annotations.

    :param path: The file.
    :param name: Its name in errors and reports: as the user named it, or its path below the folder.
    :param encoding: The encoding that the user names.
    :param stem: Its path below the source, without its suffix.
    """

    path: Path
    name: str
    encoding: str | None = None
    stem: str = field(default="")

    @property
    def suffix(self) -> str:
        """The suffix of its name, in lower case."""
        return self.path.suffix.lower()

    @cached_property
    def content(self) -> bytes:
        """Its bytes.

        :raises CorpusError: If it cannot be read, or is empty.
        """
        try:
            content = read_file(self.path, limit=MAX_FILE_BYTES)
        except OSError as exc:
            raise CorpusError(f"{self.name}: {system_reason(exc)}", remedy="check the file, or split it") from exc
        return content

    @cached_property
    def _decoded(self) -> tuple[str, str | None, bool]:
        return decode(self.content, self.name, self.encoding)

    @property
    def text(self) -> str:
        """Its text, with the ends of lines as they are."""
        return self._decoded[0]

    @property
    def note(self) -> str | None:
        """A note on how it was read, unless it is UTF-8."""
        return self._decoded[1]

    @property
    def has_mark(self) -> bool:
        """True if it begins with a byte order mark."""
        return self._decoded[2]

    def check_not_empty(self) -> None:
        """Refuse a file without content.

        :raises CorpusError: If it has none.
        """
        if not self.content.strip():
            raise CorpusError(f"{self.name}:1: the file is empty", remedy="export the annotations again")

    def lines(self, *, limit: int = MAX_LINE_CHARACTERS) -> Iterator[tuple[int, str]]:
        """Yield the lines without their ends, numbered from 1.

        :raises CorpusError: If a line is longer than the limit, or the file is empty.
        """
        self.check_not_empty()
        text = self.text
        text = text if "\n" in text else text.replace("\r", "\n")
        start, number = 0, 0
        while start < len(text):
            number += 1
            found = text.find("\n", start)
            end = len(text) if found < 0 else found
            if end - start > limit:
                raise CorpusError(
                    f"{self.name}:{number}: the line has {end - start:,} characters; the limit is {limit:,}",
                    remedy="split the line; if the file has another format, name it with --format",
                )
            yield number, text[start:end].removesuffix("\r")
            start = end + 1


def find_source(source: Path, *, encoding: str | None) -> tuple[list[SourceFile], list[tuple[str, str]]]:
    """Return the files of a source, which are the file itself or those below the folder, and what else is there.

    :return: The files; and names of what is left out, each with its kind, in the plural.
    :raises CorpusError: If it is missing, or is a folder without files.
    """
    try:
        is_folder = source.is_dir()
        if not is_folder and not source.exists():
            raise CorpusError(f"{source} does not exist", remedy="check the path")
        if not is_folder:
            if source.suffix.lower() in ARCHIVES:
                raise CorpusError(f"{source} is an archive", remedy="unpack it, and give the file or the folder")
            return [SourceFile(source, str(source), encoding, source.stem)], []
        every = [path for path in files_below(source) if path.name != RECORD]
    except OSError as exc:
        raise CorpusError(f"{source}: {system_reason(exc)}", remedy="check the path and its permissions") from exc
    found = [
        SourceFile(path, str(path), encoding, path.relative_to(source).with_suffix("").as_posix())
        for path in every
        if not is_hidden(path, source)
    ]
    others = [*((str(path), "hidden files") for path in every if is_hidden(path, source)), *_not_files(source)]
    if not found:
        what = "no files that are not hidden" if every else "no files"
        kinds = f"; it has {', '.join(sorted({kind for _, kind in others}))}" if others and not every else ""
        raise CorpusError(f"{source} has {what}{kinds}", remedy="give the folder of the export")
    return found, others


def _not_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what is below a folder and is neither a folder nor a file, with its kind."""
    for root, folders, names in os.walk(folder):
        for path in (Path(root, name) for name in sorted([*folders, *names])):
            if path.is_dir():
                kind = "linked folders" if path.is_symlink() else None
            elif path.is_file():
                kind = None
            else:
                kind = "special files" if path.exists() else "broken links"
            if kind is not None:
                yield str(path), kind
