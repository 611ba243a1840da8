"""Artifacts and caches that several tests use."""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import spacy

from spacy_lambda.core.artifact.pack import Packed, pack
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.runtime.cache import folders as cache_folders
from spacy_lambda.runtime.cache.entry import Entry
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.file_system import FileSystem
from spacy_lambda.runtime.cache.folders import tree_size
from spacy_lambda.runtime.cache.settings import CacheSettings

NOBODY = 12345

Find = Callable[[Location], FoundArtifact]


@dataclass(frozen=True)
class SmallDisk(FileSystem):
    """A disk of a given size, which holds the cache alone."""

    capacity: int = 0

    def space(self, root: Path) -> tuple[int, int]:
        return self.capacity, max(0, self.capacity - tree_size(root))


@dataclass(frozen=True)
class Network(FileSystem):
    """A network file system, whose server gives new files to an owner.

    :param place: Its only folder; by default all are on it.
    """

    place: Path | None = None
    owner: int | None = 0

    def is_on_network(self, folder: Path) -> bool:
        return self.place in (None, folder)

    def own_uid(self, folder: Path) -> int | None:
        return self.owner


@cache
def blank_files() -> dict[str, bytes]:
    """Contents of a small pipeline's files by their paths; spaCy takes much longer to write them."""
    with TemporaryDirectory() as folder:
        spacy.blank("en").to_disk(folder)
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def artifact(folder: Path, name: str, size: int = 200_000) -> Location:
    """An artifact of a small pipeline, and its location."""
    meta = json.dumps({**json.loads(blank_files()["meta.json"]), "name": name}, indent=2)
    for path, content in {**blank_files(), "meta.json": meta.encode(), "weights": os.urandom(size)}.items():
        file = folder / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    packed: Packed = pack(folder / name, folder / f"{name}.tar")
    return Location("file", str(packed.path), None, packed.sha256)


def entries(settings: CacheSettings) -> list[str]:
    return sorted(path.name for path in settings.root.iterdir() if not path.name.startswith("."))


def left_over(settings: CacheSettings) -> list[Path]:
    return [path for path in settings.root.rglob("*") if ".fetching" in path.parts and path.name != ".fetching"]


class _Stream(io.BytesIO):
    """The bytes of an artifact."""

    def __init__(self, data: bytes, on_read: Callable[[int], object], at_end: Callable[[], object]) -> None:
        super().__init__(data)
        self._on_read, self._at_end = on_read, at_end

    def read(self, most: int | None = -1, /) -> bytes:
        chunk = super().read(most)
        self._on_read(len(chunk))
        if not chunk and most != 0:
            self._at_end()
        return chunk


def served(
    data: bytes,
    *,
    size: int | None = None,
    on_read: Callable[[int], object] = lambda size: None,
    at_end: Callable[[], object] = lambda: None,
) -> Find:
    """A store that has these bytes at any location.

    :param size: The size that it reports.
    :param on_read: Called with the number of bytes of each read.
    :param at_end: Called when the end is read; by then everything has been written.
    """
    return lambda location: FoundArtifact(
        str(location), location.sha256, size, lambda: nullcontext(_Stream(data, on_read, at_end))
    )


@contextmanager
def before_call(name: str, action: Callable[[], object], *, turn: int = 0) -> Iterator[None]:
    """Act in front of a call by the cache's modules, the first, the second, ... of a function with that name."""
    count, own = itertools.count(), cache_folders.__name__

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_name == name and frame.f_back is not None:
            caller = str(frame.f_back.f_globals["__name__"])
            if caller.startswith(own.rpartition(".")[0]) and caller != own and next(count) == turn:
                action()

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


@contextmanager
def opened(location: Location, settings: CacheSettings, *, find: Find = find_artifact) -> Iterator[Entry]:
    entry = cached_pipeline(location, settings, find=find)
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
