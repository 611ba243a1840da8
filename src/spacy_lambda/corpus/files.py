"""The user's sources -> the files of a corpus, in an order that does not depend on the file system."""

from __future__ import annotations

import gzip
import logging
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from spacy_lambda.core.annotation import Document
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.corpus.formats.registry import FORMATS, Columns, Format, bare_name, format_of, is_gzip, named_format
from spacy_lambda.corpus.local_files import find_local
from spacy_lambda.corpus.s3_files import find_in_bucket, is_in_s3
from spacy_lambda.corpus.standard_input import begun
from spacy_lambda.corpus.summary import OnWarning
from spacy_lambda.errors import CorpusError

__all__ = ["STANDARD_INPUT", "CorpusFile", "Sources", "find_files"]

Sources = StrPath | Sequence[StrPath]
"""Files, folders and patterns, here or in S3, or ``-`` for standard input."""

_LOGGER = logging.getLogger(__name__)

STANDARD_INPUT = "-"

REMEDIES = {
    ".json": "convert an array, as in: jq -c '.[]' FILE > NEW.jsonl; pass --from jsonl for an object a line",
    **dict.fromkeys((".xls", ".xlsx", ".ods"), "save the table as CSV in UTF-8"),
}
"""Remedies for files of formats that are not read, by suffix."""


@dataclass(frozen=True)
class CorpusFile:
    """A file of a corpus.

    :param name: Its name in the corpus: its path below what all sources have in common, with ``/``.
    :param format: Its format.
    :param size: Its bytes, or ``None`` if unknown.
    :param open_raw: Opens it.
    :param packed: ``True`` if it is a gzip file.
    :param state: Returns a value that changes when the file does.
    :param read_once: ``True`` if it can be opened only once.
    """

    name: str
    format: Format
    size: int | None
    open_raw: Callable[[], BinaryIO]
    packed: bool = False
    state: Callable[[], Any] = lambda: None
    read_once: bool = False

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it for reading, unpacked.

        :raises CorpusError: If it cannot be read; also in the block.
        """
        with _read_errors(self.name), self.open_raw() as raw:
            if self.packed:
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield raw

    def documents(self, columns: Columns) -> Iterator[Document]:
        """Yield its documents.

        :raises CorpusError: If it cannot be read as a whole, or changes meanwhile.
        """
        with _read_errors(self.name):
            before = self.state()
            with self.open() as stream:
                yield from self.format.open().read(stream, self.name, columns)
            changed = self.state() != before
        if changed:
            raise CorpusError(f"{self.name} changed while it was read", remedy="run the command again when it is whole")


@contextmanager
def _read_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise CorpusError(f"{name} is not a whole gzip file: {exc}", remedy="compress or fetch it again") from exc
    except OSError as exc:
        raise CorpusError(
            f"{name} cannot be read: {system_reason(exc)}", remedy="check the file and its permissions"
        ) from exc


def find_files(
    sources: Sources,
    *,
    format_name: str | None = None,
    own: Sequence[str] = (),
    s3: S3Options = FROM_ENVIRONMENT,
    on_warning: OnWarning = _LOGGER.warning,
    left_out: Sequence[str] = (),
) -> list[CorpusFile]:
    """Find the files of a corpus.

    :param format_name: The format of all files; by default each file's name decides.
    :param own: Files and folders that the run itself writes, which are not part of the corpus.
    :param s3: Options of S3.
    :param on_warning: Called if results of an earlier run are below a source on this machine.
    :param left_out: Real paths of folders that are left out below a source on this machine.
    :raises CorpusError: If a source is missing or empty, or a file's format is unknown.
    :raises StoreError: If S3 cannot be reached or denies access.
    """
    forced = None if format_name is None else named_format(format_name)
    given = [sources] if isinstance(sources, str | os.PathLike) else sources
    names = [os.fspath(source) for source in given]
    if not names:
        raise CorpusError("there are no sources", remedy="name files, folders or patterns")
    if STANDARD_INPUT in names:
        if len(names) > 1:
            raise CorpusError("standard input cannot be read with other sources", remedy="pass '-' alone")
        return [_standard_input(forced)]
    remote = [name for name in names if is_in_s3(name)]
    if remote and len(remote) < len(names):
        raise CorpusError("some sources are in S3, others are not", remedy="annotate them one after the other")
    if remote:
        found = find_in_bucket(names, any_format=forced is not None, own=own, options=s3)
    else:
        any_format = forced is not None
        found = find_local(names, any_format=any_format, own=own, on_warning=on_warning, left_out=left_out)
    return [
        CorpusFile(one.name, _format(one.name, forced), one.size, one.open, is_gzip(one.name), one.state)
        for one in found
    ]


def _format(name: str, forced: Format | None) -> Format:
    form = forced or format_of(name)
    if form is None:
        suffix = PurePosixPath(bare_name(name)).suffix.lower()
        remedy = f"pass --from, one of {', '.join(FORMATS)}"
        raise CorpusError(f"{name}: unknown format", remedy=REMEDIES.get(suffix, remedy))
    return form


def _standard_input(forced: Format | None) -> CorpusFile:
    """Return standard input as a file: JSON Lines if it begins with ``{``, else lines of text."""
    with _read_errors("stdin"):
        stream, packed, is_json = begun(sys.stdin.buffer)
    form = forced or FORMATS["jsonl" if is_json else "lines"]
    return CorpusFile("stdin", form, None, lambda: stream, packed, read_once=True)
