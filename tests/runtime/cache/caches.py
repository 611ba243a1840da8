"""Artifacts and caches that several tests use."""

from __future__ import annotations

import os
import traceback
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import spacy
from spacy.language import Language

from spacy_lambda.core.artifact.pack import Packed, pack
from spacy_lambda.core.location import Location
from spacy_lambda.runtime.cache.entry import Entry
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings

NOBODY = 12345
Usage = namedtuple("Usage", "total used free")


@cache
def blank() -> Language:
    return spacy.blank("en")


def artifact(folder: Path, name: str, size: int = 200_000) -> Location:
    """An artifact of a small pipeline, and its location."""
    nlp = blank()
    nlp.meta["name"] = name
    nlp.to_disk(folder / name)
    (folder / name / "weights").write_bytes(os.urandom(size))
    packed: Packed = pack(folder / name, folder / f"{name}.tar")
    return Location("file", str(packed.path), None, packed.sha256)


def entries(settings: CacheSettings) -> list[str]:
    return sorted(path.name for path in settings.root.iterdir() if not path.name.startswith("."))


def left_over(settings: CacheSettings) -> list[Path]:
    return [path for path in settings.root.rglob("*") if ".fetching" in path.parts and path.name != ".fetching"]


@contextmanager
def opened(location: Location, settings: CacheSettings) -> Iterator[Entry]:
    entry = cached_pipeline(location, settings)
    try:
        yield entry
    finally:
        entry.close()


def without_privileges(work: Callable[[], object], *folders: Path) -> None:
    """Run this as a user who is not root, to whom these folders belong."""
    if os.geteuid() != 0:
        work()
        return
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own are not."""
    with TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)
