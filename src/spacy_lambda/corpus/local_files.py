"""Files, folders and patterns on this machine -> files."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from spacy_lambda.core.counts import count
from spacy_lambda.core.files import require_regular_file
from spacy_lambda.corpus.formats.registry import FORMATS, format_of
from spacy_lambda.corpus.result_marks import results_among
from spacy_lambda.corpus.summary import OnWarning
from spacy_lambda.errors import CorpusError

__all__ = ["FoundFile", "find_local", "no_files", "own_source"]


@dataclass(frozen=True)
class FoundFile:
    """A file that was found.

    :param name: Its path below what all sources have in common, with ``/``.
    :param size: Its bytes.
    :param open: Opens it.
    :param state: Returns a value that changes when the file does.
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]
    state: Callable[[], Any]


def find_local(
    sources: Sequence[str],
    *,
    any_format: bool,
    own: Sequence[str],
    on_warning: OnWarning,
    left_out: Sequence[str] = (),
) -> list[FoundFile]:
    """Find files; one that several sources lead to, as through a link, is found once.

    :param any_format: ``True`` if names need not have the suffix of a format.
    :param own: Real paths of files and folders that are not part of the corpus, the destination first.
    :param on_warning: Called if results of an earlier run are below a source.
    :param left_out: Real paths of folders that are left out below a source.
    :raises CorpusError: If a source is missing, empty or own, or a file is not a regular one.
    """
    roots, paths, real = set[Path](), list[Path](), set[str]()
    for source in sources:
        with _os_errors(source):
            files = list(_files(source, any_format, own, left_out))
            new = {path: os.path.realpath(path) for _, path in files} if len(sources) > 1 else {}
            if not os.path.isfile(source):
                _warn_of_results(source, files, on_warning)
            roots.update(root for root, _ in files)
            paths += [path for _, path in files if new.get(path) not in real]
            real.update(new.values())
    base = Path(os.path.commonpath(roots))
    return [_found(path, path.relative_to(base).as_posix()) for path in sorted(set(paths))]


def _files(source: str, any_format: bool, own: Sequence[str], left_out: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a source, each with the folder to which its name is relative; all absolute."""
    path = Path(os.path.abspath(source))
    if path.exists() and _is_own(path, own):
        raise own_source(source, os.path.realpath(path), own[0])
    if path.is_dir():
        files = [
            (path, one) for one in _below(path, [*own, *_outside(left_out, path)]) if any_format or format_of(one.name)
        ]
    elif path.is_fifo():
        raise CorpusError(
            f"{source} is a pipe, which can be read only once",
            remedy="pass '-' as the source, with the pipe as standard input: spacy-lambda annotate - DST < PIPE",
        )
    elif path.exists():
        require_regular_file(path)
        files = [(path.parent, path)]
    else:
        matches = _distinct(Path(os.path.abspath(one)) for one in glob.glob(source, recursive=True))
        root = Path(os.path.abspath(_fixed_part(source)))
        skipped = [*own, *_outside(left_out, root)]
        files = [
            (root, one)
            for one in matches
            if not one.is_dir() and (any_format or format_of(one.name)) and not _is_own(one, skipped)
        ]
        if not matches:
            raise CorpusError(
                f"{source} does not exist", remedy="check the path; quote a pattern, as in 'data/*.jsonl'"
            )
    if not files:
        raise no_files(source)
    yield from files


def _outside(folders: Sequence[str], root: Path) -> list[str]:
    """Return the folders that a source is not in itself."""
    return [folder for folder in folders if not _is_own(root, [folder])]


def _warn_of_results(source: str, files: Sequence[tuple[Path, Path]], on_warning: OnWarning) -> None:
    """Give a warning of results that an earlier run has written to another destination: they are read like any file."""
    found = list(results_among([path for _, path in files], files[0][0]))
    if found:
        others = f" and {count(len(found) - 1, 'other')}" if len(found) > 1 else ""
        on_warning(
            f"{source} has results of an earlier run, which are annotated, too: {found[0]}{others}; to leave them out,"
            " move them, or name the sources without them"
        )


def own_source(source: str, place: str, destination: str) -> CorpusError:
    """Return the error for a source that the run itself writes.

    :param place: Its real path, or its location.
    :param destination: The destination's.
    """
    if place.rstrip("/") == destination.rstrip("/"):
        problem = f"{source} is the destination"
    elif place.startswith(f"{destination.rstrip('/')}/"):
        problem = f"{source} is in the destination"
    else:
        problem = f"{source} has the name of a file that the run writes beside the destination"
    return CorpusError(problem, remedy="choose a destination outside of the sources")


def no_files(source: str) -> CorpusError:
    """Return the error for a source without files of a known format."""
    known = ", ".join(suffix for one in FORMATS.values() for suffix in one.suffixes)
    return CorpusError(f"{source} has no file of a corpus", remedy=f"store files that end with {known}, or pass --from")


def _below(folder: Path, own: Sequence[str]) -> Iterator[Path]:
    """Yield the files below a folder, but for those that are hidden or whose name begins with ``_``."""
    real = os.path.realpath(folder)
    for root, folders, names in os.walk(folder, onerror=_raise):
        here = os.path.join(real, os.path.relpath(root, folder)) if root != os.fspath(folder) else real
        folders[:] = [
            name for name in folders if not name.startswith((".", "_")) and os.path.join(here, name) not in own
        ]
        for name in names:
            if not name.startswith((".", "_")) and os.path.join(here, name) not in own:
                yield Path(root, name)


def _raise(error: OSError) -> NoReturn:
    raise error


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """Return paths in order, each file once though links to folders lead to it in several ways."""
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(paths, key=lambda one: (len(one.parts), one)):
        found.setdefault((os.path.realpath(path.parent), path.name), path)
    return sorted(found.values())


def _is_own(path: Path, own: Sequence[str]) -> bool:
    real = os.path.realpath(path)
    return any(real == one or real.startswith(one.rstrip(os.sep) + os.sep) for one in own)


def _fixed_part(pattern: str) -> str:
    """Return the folders of a pattern before its first wildcard."""
    parts = Path(pattern).parts
    fixed = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return os.path.join(*parts[:fixed]) if fixed else "."


def _found(path: Path, name: str) -> FoundFile:
    def state() -> tuple[int, int, int]:
        found = path.stat()
        return found.st_size, found.st_mtime_ns, found.st_ino

    with _os_errors(name):
        require_regular_file(path)
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return FoundFile(name, path.stat().st_size, lambda: path.open("rb"), state)


@contextmanager
def _os_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise CorpusError(f"{exc.filename or name}: {reason}", remedy="check the path and its permissions") from exc
