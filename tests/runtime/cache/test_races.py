"""Cold starts that race: a start does not fail because of files that vanish between two calls."""

from __future__ import annotations

import ast
import itertools
import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import spacy_lambda
from spacy_lambda.core.artifact.unpack import extract
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.errors import CacheError, StoreError
from spacy_lambda.runtime.cache import claim, fetch, folders, sweep
from spacy_lambda.runtime.cache.claim import take_claim
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.folders import identity, list_names, make_folder, move_aside, remove, tree_size
from spacy_lambda.runtime.cache.settings import CacheSettings
from tests.runtime.cache.caches import entries, left_over, open_folder, opened, without_privileges

CACHE = Path(spacy_lambda.__file__).parent / "runtime" / "cache"
BY_PATH = {
    *("iterdir", "glob", "rglob", "walk", "listdir", "scandir", "mkdir", "makedirs", "rmdir", "rmtree", "unlink"),
    *("rename", "replace", "renames", "link", "symlink", "touch", "stat", "lstat", "exists", "lexists", "is_file"),
    *("is_dir", "is_symlink", "open", "read_bytes", "read_text", "write_bytes", "write_text", "chmod", "utime"),
    *("disk_usage", "statvfs", "access", "mkdtemp", "copytree", "copyfile", "move", "scandir"),
}
"""What takes a path; ``os.fstat`` and the like take an open file, which does not vanish."""
ALLOWED = {
    "fetch.py": {"found.open"},  # the store's
    "entry.py": {"os.utime"},  # by the open file
    "file_system.py": {"MOUNTS.exists", "open"},  # the kernel's list
    "owner.py": {"os.stat"},  # what is above the cache, and no process of ours removes
}


def calls_by_path(path: Path) -> set[str]:
    """Calls in a module that take a path, as they are written."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {ast.unparse(call) for call in calls if isinstance(call, ast.Name | ast.Attribute)}
    return {name for name in names if name.rpartition(".")[2] in BY_PATH and name not in ours(path)}


def ours(path: Path) -> set[str]:
    """What a module takes from the one that tolerates."""
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
MODULES = (claim, fetch, sweep)


@pytest.mark.parametrize("operation", [*OPERATIONS, "flush_folder", "finish_entry", "extract"])
@pytest.mark.parametrize("what", ["root", "fetching", "claims", "claim", "entry"])
def test_what_vanishes_in_front_of_an_operation(
    what: str, operation: str, one: Location, settings: CacheSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It vanishes in front of the first, the second, ... time that the operation is done."""
    from spacy_lambda.runtime.cache import entry as entry_module

    vanish = removers(settings.root)[what]
    for turn in range(4):
        shutil.rmtree(settings.root, ignore_errors=True)
        count = itertools.count()
        with monkeypatch.context() as patched:
            for module in (*MODULES, entry_module):
                if hasattr(module, operation):
                    patched.setattr(module, operation, after(vanish, getattr(module, operation), count, turn))
            with opened(one, settings) as entry:
                # What was removed when the entry was there already is not in it.
                assert entry.sha256 == one.sha256
    with opened(one, settings) as entry:
        assert (entry.pipeline / "weights").stat().st_size == 200_000


def after(vanish: Callable[[], object], call: Callable[..., Any], count: itertools.count[int], turn: int) -> Any:
    def called(*arguments: Any, **more: Any) -> Any:
        if next(count) == turn:
            vanish()
        return call(*arguments, **more)

    return called


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


def test_what_a_fetch_wrote_and_another_removed_is_not_published(
    one: Location, settings: CacheSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the entry is gone before it has its name: an entry is whole when it appears."""
    calls = itertools.count()

    def damaged(stream: Any, folder: Path, **more: Any) -> Any:
        extracted = extract(stream, folder, **more)
        if next(calls) == 0:
            (folder / "weights").unlink()
        return extracted

    monkeypatch.setattr(fetch, "extract", damaged)
    with opened(one, settings) as entry:
        assert (entry.pipeline / "weights").is_file()


def test_a_claim_without_a_heartbeat_is_taken_over(
    one: Location, settings: CacheSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process was killed while it removed its own folder."""
    monkeypatch.setattr(claim, "STALE_S", 0.2)
    (settings.root / ".fetching" / str(one.sha256) / "0").mkdir(parents=True)
    with opened(one, settings):
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
    sweep.sweep(settings.root)
    assert new.is_dir()
    os.utime(new / "heartbeat", (0, 0))
    sweep.sweep(settings.root)
    assert not new.exists()


def test_a_claim_of_another_is_not_released(settings: CacheSettings) -> None:
    claims = settings.root / ".fetching" / ("a" * 64)
    first = take_claim(claims, root=settings.root, is_done=lambda: False)
    assert first is not None
    shutil.rmtree(claims)
    second = take_claim(claims, root=settings.root, is_done=lambda: False)
    assert second is not None
    assert second.folder == first.folder
    first.release()
    assert second.folder.is_dir()
    second.release()
    assert left_over(settings) == []


def test_an_artifact_that_vanishes_from_the_store(one: Location, settings: CacheSettings) -> None:
    """It is the store that has not got it, and not the cache that is at fault."""

    def gone(location: Location) -> Any:
        found = find(location)
        Path(one.path).unlink()
        return found

    find = find_artifact
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fetch, "find_artifact", gone)
        with pytest.raises(StoreError, match="cannot be read"):
            cached_pipeline(one, settings)


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
    assert move_aside(old, known, tmp_path / ".set-aside", root=tmp_path) is None
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


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_REMAKE_S", 0.1)
    monkeypatch.setattr(
        folders, "_make", lambda *arguments, **more: (_ for _ in ()).throw(FileNotFoundError(2, "gone"))
    )
    with pytest.raises(FileNotFoundError):
        make_folder(tmp_path / "root" / "a", root=tmp_path / "root")


def test_claims_that_are_removed_each_time(settings: CacheSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "GIVE_UP_S", 0.1)
    monkeypatch.setattr(claim, "_make", lambda *arguments, **more: None)
    with pytest.raises(TimeoutError):
        take_claim(settings.root / ".fetching" / "x", root=settings.root, is_done=lambda: False)


def test_the_error_of_a_cache_that_cannot_be_used_is_ours(
    one: Location, settings: CacheSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "GIVE_UP_S", 0.1)
    monkeypatch.setattr(claim, "_make", lambda *arguments, **more: None)
    with pytest.raises(CacheError, match="again and again"):
        cached_pipeline(one, settings)
