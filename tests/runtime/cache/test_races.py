"""Cold starts that race: a start does not fail because of files that vanish between two calls."""

from __future__ import annotations

import ast
import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import spacy_lambda
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.errors import CacheError, StoreError
from spacy_lambda.runtime.cache.claim import take_claim
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.folders import identity, list_names, make_folder, move_if_unchanged, remove, tree_size
from spacy_lambda.runtime.cache.settings import CacheSettings, CacheTimes
from spacy_lambda.runtime.cache.sweep import sweep
from tests.runtime.cache.caches import (
    before_call,
    entries,
    left_over,
    open_folder,
    opened,
    served,
    without_privileges,
)

pytestmark = pytest.mark.slow

CACHE = Path(spacy_lambda.__file__).parent / "runtime" / "cache"
BY_PATH = {
    *("iterdir", "glob", "rglob", "walk", "listdir", "scandir", "mkdir", "makedirs", "rmdir", "rmtree", "unlink"),
    *("rename", "replace", "renames", "link", "symlink", "touch", "stat", "lstat", "exists", "lexists", "is_file"),
    *("is_dir", "is_symlink", "open", "read_bytes", "read_text", "write_bytes", "write_text", "chmod", "utime"),
    *("disk_usage", "statvfs", "access", "mkdtemp", "copytree", "copyfile", "move", "scandir"),
}
"""Functions that take a path; ``os.fstat`` and the like take an open file, which does not vanish."""
ALLOWED = {
    "fetch.py": {"found.open"},  # the store's
    "entry.py": {"os.utime"},  # by the open file
    "file_system.py": {"self.mounts.exists", "open"},  # the kernel's list
    "owner.py": {"os.stat"},  # what is above the cache, and no process of ours removes
}


def calls_by_path(path: Path) -> set[str]:
    """Calls in a module that take a path, as they are written."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {ast.unparse(call) for call in calls if isinstance(call, ast.Name | ast.Attribute)}
    return {name for name in names if name.rpartition(".")[2] in BY_PATH and name not in ours(path)}


def ours(path: Path) -> set[str]:
    """Return the names that a module imports from the tolerant one."""
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    return {
        alias.name for node in imports if node.module == "spacy_lambda.runtime.cache.folders" for alias in node.names
    }


@pytest.mark.parametrize("path", sorted(CACHE.glob("*.py")), ids=lambda path: path.name)
def test_only_one_module_works_by_path(path: Path) -> None:
    found = calls_by_path(path)
    if path.name == "folders.py":
        assert {"os.lstat", "os.listdir", "shutil.rmtree", "path.mkdir"} <= found
    else:
        assert found == ALLOWED.get(path.name, set())


# One folder after another is removed in front of each operation.


def removers(root: Path) -> dict[str, Callable[[], object]]:
    return {
        "root": lambda: shutil.rmtree(root, ignore_errors=True),
        "fetching": lambda: shutil.rmtree(root / ".fetching", ignore_errors=True),
        "claims": lambda: [shutil.rmtree(path, ignore_errors=True) for path in root.glob(".fetching/*")],
        "claim": lambda: [shutil.rmtree(path, ignore_errors=True) for path in root.glob(".fetching/*/*")],
        "entry": lambda: [shutil.rmtree(path, ignore_errors=True) for path in root.glob("[0-9a-f]*")],
    }


OPERATIONS = ("identity", "list_names", "make_folder", "open_file", "publish", "read_file", "remove", "write_file")


@pytest.mark.parametrize("operation", [*OPERATIONS, "flush_folder", "finish_entry", "extract"])
@pytest.mark.parametrize("what", ["root", "fetching", "claims", "claim", "entry"])
def test_what_vanishes_in_front_of_an_operation(
    what: str, operation: str, one: Location, settings: CacheSettings
) -> None:
    """It vanishes in front of the first, the second, ... time that the operation is done."""
    vanish = removers(settings.root)[what]
    for turn in range(4):
        shutil.rmtree(settings.root, ignore_errors=True)
        with before_call(operation, vanish, turn=turn), opened(one, settings) as entry:
            # What was removed when the entry was there already is not in it.
            assert entry.sha256 == one.sha256
    with opened(one, settings) as entry:
        assert (entry.pipeline / "weights").stat().st_size == 200_000


def test_folders_that_are_removed_while_starts_begin(one: Location, settings: CacheSettings) -> None:
    """By another thread, at fifty moments; the root too."""
    moments = random.Random(3)

    def remove_folders() -> None:
        for turn in range(50):
            shutil.rmtree(settings.root / (".fetching" if turn % 5 else ""), ignore_errors=True)
            time.sleep(moments.uniform(0, 0.02))

    thread = threading.Thread(target=remove_folders)
    thread.start()
    while thread.is_alive():
        cached_pipeline(one, settings).close()
    thread.join()
    with opened(one, settings) as entry:
        assert (entry.pipeline / "weights").stat().st_size == 200_000


def test_what_a_fetch_wrote_and_another_removed_is_not_published(one: Location, settings: CacheSettings) -> None:
    """A file of the entry is gone before it has its name: an entry is whole when it appears."""
    ends: list[int] = []

    def damage_once() -> None:
        ends.append(1)
        if len(ends) == 1:
            (written,) = settings.root.glob(".fetching/*/*/*/pipeline/weights")
            written.unlink()

    with opened(one, settings, find=served(Path(one.path).read_bytes(), at_end=damage_once)) as entry:
        assert (entry.pipeline / "weights").is_file()
        assert len(ends) == 2


def test_a_claim_without_a_heartbeat_is_taken_over(one: Location, settings: CacheSettings) -> None:
    """Its process was killed while it removed its own folder."""
    (settings.root / ".fetching" / str(one.sha256) / "0").mkdir(parents=True)
    with opened(one, replace(settings, times=CacheTimes(stale_s=0.2))):
        assert entries(settings) == [one.sha256]


@pytest.mark.parametrize("name", ["9" * 200, "٣", "00", "-1", "x", "9" * 16])
def test_a_claim_with_an_odd_name(name: str, one: Location, settings: CacheSettings) -> None:
    (settings.root / ".fetching" / str(one.sha256) / name).mkdir(parents=True)
    with opened(one, settings):
        assert entries(settings) == [one.sha256]


def test_a_new_claim_is_not_swept_before_it_has_its_lock(settings: CacheSettings) -> None:
    new = settings.root / ".fetching" / ("a" * 64) / "new-0123"
    new.mkdir(parents=True)
    (new / "heartbeat").touch()
    sweep(settings.root)
    assert new.is_dir()
    os.utime(new / "heartbeat", (0, 0))
    sweep(settings.root)
    assert not new.exists()


def test_a_claim_of_another_is_not_released(settings: CacheSettings) -> None:
    claims = settings.root / ".fetching" / ("a" * 64)
    first = take_claim(claims, settings, is_done=lambda: False)
    assert first is not None
    shutil.rmtree(claims)
    second = take_claim(claims, settings, is_done=lambda: False)
    assert second is not None
    assert second.folder == first.folder
    first.release()
    assert second.folder.is_dir()
    second.release()
    assert left_over(settings) == []


def test_an_artifact_that_vanishes_from_the_store(one: Location, settings: CacheSettings) -> None:
    """It is the store that has not got it, and not the cache that is at fault."""

    def gone(location: Location) -> FoundArtifact:
        found = find_artifact(location)
        Path(one.path).unlink()
        return found

    with pytest.raises(StoreError, match="cannot be read"):
        cached_pipeline(one, settings, find=gone)


# The operations themselves.


def test_a_folder_that_is_gone_is_empty(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "link").symlink_to(tmp_path / "full")
    assert [list_names(tmp_path / name) for name in ("none", "none/none", "file", "file/x", "link")] == [[]] * 5
    assert [tree_size(tmp_path / name) for name in ("none", "link/none", "full")] == [0, 0, 0]
    assert all(remove(tmp_path / name) for name in ("none", "none/none", "file", "file/x", "link"))
    assert list_names(tmp_path / "full") == ["x"]


@pytest.mark.parametrize("what", ["file", "link", "dangling", "fifo"])
def test_what_is_in_the_way_of_a_folder_goes(what: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    way = tmp_path / "root" / "a"
    way.parent.mkdir()
    {
        "file": way.touch,
        "link": lambda: way.symlink_to(elsewhere),
        "dangling": lambda: way.symlink_to(tmp_path / "none"),
        "fifo": lambda: os.mkfifo(way),
    }[what]()
    make_folder(way / "b", root=tmp_path / "root")
    assert (way / "b").is_dir()
    assert not way.is_symlink()
    assert [path.name for path in elsewhere.iterdir()] == ["kept"]


def test_what_has_taken_the_place_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the rename, another process puts a new one there."""
    old, rename = tmp_path / "old", Path.rename
    old.mkdir()
    known = identity(old)
    assert known is not None

    def replaced(path: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        path.rename(tmp_path / "away")
        path.mkdir()
        (path / "new").touch()
        return path.rename(target)

    monkeypatch.setattr(Path, "rename", replaced)
    assert move_if_unchanged(old, known, tmp_path / ".set-aside", root=tmp_path) is None
    assert list_names(old) == ["new"]
    assert list_names(tmp_path / ".set-aside") == []


def test_a_locked_folder_of_ones_own_is_removed() -> None:
    def locked(folder: Path) -> None:
        (folder / "a" / "b" / "c").mkdir(parents=True)
        (folder / "a" / "b").chmod(0)
        (folder / "a").chmod(0)
        assert remove(folder / "a")

    with open_folder() as folder:
        without_privileges(lambda: locked(folder), folder)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="nothing can be made in /proc, which Linux alone has")
def test_a_folder_that_cannot_be_made() -> None:
    with pytest.raises(FileNotFoundError):
        make_folder(Path("/proc/none/a"), root=Path("/proc/none"), give_up_s=0.1)


@pytest.fixture
def blocked(one: Location, settings: CacheSettings) -> CacheSettings:
    """A cache in which the next claim on an artifact cannot be made, because its name is taken."""
    for name in (10**15 - 1, 10**15):  # the second has too many digits for a claim
        (settings.root / ".fetching" / str(one.sha256) / str(name) / "x").mkdir(parents=True)
    return replace(settings, times=CacheTimes(stale_s=0.01, give_up_s=0.1))


def test_claims_that_are_removed_each_time(one: Location, blocked: CacheSettings) -> None:
    with pytest.raises(TimeoutError):
        take_claim(blocked.root / ".fetching" / str(one.sha256), blocked, is_done=lambda: False)


def test_the_error_of_a_cache_that_cannot_be_used_is_ours(one: Location, blocked: CacheSettings) -> None:
    with pytest.raises(CacheError, match="again and again"):
        cached_pipeline(one, blocked)
