"""A cache that is damaged, or another's: fetched again, or refused, and never waited for, followed or filled."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.core.location import Location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.errors import CacheError
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.file_system import FileSystem
from spacy_lambda.runtime.cache.folders import remove
from spacy_lambda.runtime.cache.settings import CacheSettings
from tests.runtime.cache.caches import (
    Find,
    Network,
    artifact,
    entries,
    left_over,
    open_folder,
    opened,
    without_privileges,
)

pytestmark = pytest.mark.slow

ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away, or make a device")
OTHER = 12345


def kinds(path: Path) -> dict[str, Callable[[], object]]:
    """Kinds of files that may take the place of a plain file or a folder."""
    kept = path.with_name(f".{path.name}-kept")

    def vacate() -> None:
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def link() -> None:
        path.rename(path.parents[2] / kept.name)
        path.symlink_to(path.parents[2] / kept.name)

    def listen() -> None:
        with socket.socket(socket.AF_UNIX) as server:
            here = os.getcwd()
            os.chdir(path.parent)
            try:
                server.bind(path.name)
            finally:
                os.chdir(here)

    return {
        "folder": lambda: (vacate(), path.mkdir()),
        "file": lambda: (vacate(), path.touch()),
        "fifo": lambda: (vacate(), os.mkfifo(path)),
        "link": link,
        "dangling link": lambda: (vacate(), path.symlink_to("/none")),
        "link to itself": lambda: (vacate(), path.symlink_to(path.name)),
        "socket": lambda: (vacate(), listen()),
        "device": lambda: (vacate(), os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))),
        "gone": vacate,
    }


KINDS = ["folder", "fifo", "link", "dangling link", "link to itself", "socket", "gone"]
PARTS = {"manifest.json": KINDS, "in-use": KINDS, "pipeline": ["file", *KINDS[1:]], "pipeline/weights": KINDS}


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        *((part, kind) for part, of_part in PARTS.items() for kind in of_part),
        *(("", kind) for kind in ("file", "folder", "fifo", "link", "dangling link", "link to itself")),
        *(pytest.param(part, "device", marks=ONLY_ROOT) for part in ("manifest.json", "in-use", "pipeline/weights")),
    ],
)
def test_what_has_the_name_of_a_part(part: str, kind: str, one: Location, settings: CacheSettings) -> None:
    with opened(one, settings) as entry:
        pass
    kinds(entry.folder / part)[kind]()
    assert_fetched_again(one, settings)


CONTENTS = {
    "deep": lambda: b"[" * 100_000,
    "deep object": lambda: b'{"a":' * 50_000,
    "deep inside": lambda: b'{"files":[],"format_version":1,"pipeline":{"a":' + b"[" * 50_000,
    "infinite": lambda: b'{"files":[{"path":"a","sha256":"","size":1e999}],"format_version":1,"pipeline":{}}',
    "infinite version": lambda: b'{"files":[],"format_version":1e999,"pipeline":{}}',
    "not a number": lambda: b'{"files":[],"format_version":NaN,"pipeline":{}}',
    "many digits": lambda: b'{"files":[],"format_version":' + b"9" * 10_000 + b',"pipeline":{}}',
    "leads out": lambda: b'{"files":[{"path":"../../../x","sha256":"' + b"0" * 64 + b'","size":0}],"format_version":1}',
    "null": lambda: b"null",
    "empty": lambda: b"",
    "not text": lambda: b"\xff\xfe" * 100,
    "zeros": lambda: bytes(1000),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_what_a_manifest_says(content: str, one: Location, settings: CacheSettings) -> None:
    with opened(one, settings) as entry:
        pass
    (entry.folder / "manifest.json").write_bytes(CONTENTS[content]())
    assert_fetched_again(one, settings)


def test_a_huge_manifest(one: Location, settings: CacheSettings) -> None:
    with opened(one, settings) as entry:
        pass
    os.truncate(entry.folder / "manifest.json", 8 * 2**30)
    assert_fetched_again(one, settings)


def test_a_deep_tree_inside(one: Location, settings: CacheSettings) -> None:
    with opened(one, settings) as entry:
        pass
    deepest = os.open(entry.pipeline, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=deepest)
        inner = os.open("d", os.O_RDONLY, dir_fd=deepest)
        os.close(deepest)
        deepest = inner
    os.close(os.open("evil.py", os.O_CREAT, dir_fd=deepest))
    os.close(deepest)
    with opened(one, settings) as entry:
        assert (entry.pipeline / "weights").is_file()
    assert len(list((settings.root / ".set-aside").iterdir())) == 1
    assert remove(settings.root)


@pytest.mark.parametrize("part", ["manifest.json", "in-use", "pipeline", "pipeline/weights", ""])
def test_a_part_that_cannot_be_read(part: str) -> None:
    with open_folder() as folder:
        one, settings = artifact(folder, "one"), CacheSettings(folder / "cache")
        with opened(one, settings) as entry:
            pass
        (entry.folder / part).chmod(0)
        without_privileges(lambda: assert_fetched_again(one, settings), folder)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EIO, errno.ELOOP])
@pytest.mark.parametrize("part", ["in-use", "manifest.json", "pipeline"])
def test_a_part_whose_reading_fails(
    part: str, code: int, one: Location, settings: CacheSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(one, settings):
        pass
    fail_once(monkeypatch, settings.root / str(one.sha256) / part, code)
    assert_fetched_again(one, settings)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
@pytest.mark.parametrize("part", ["in-use", "manifest.json"])
def test_a_valid_entry_survives_a_failure_of_this_process(
    part: str, code: int, one: Location, settings: CacheSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(one, settings):
        pass
    fail_once(monkeypatch, settings.root / str(one.sha256) / part, code)
    with pytest.raises(CacheError, match="cannot be read"):
        cached_pipeline(one, settings)
    assert not (settings.root / ".set-aside").exists()


def fail_once(monkeypatch: pytest.MonkeyPatch, part: Path, code: int) -> None:
    """Let the operating system refuse to open a file or to list a folder."""
    name = "scandir" if part.is_dir() else "open"
    whole, calls = getattr(os, name), iter([True])

    def failing(path: Any, *arguments: Any, **more: Any) -> Any:
        if not isinstance(path, int) and Path(path) == part and next(calls, False):
            raise OSError(code, os.strerror(code))
        return whole(path, *arguments, **more)

    monkeypatch.setattr(os, name, failing)


def assert_fetched_again(one: Location, settings: CacheSettings) -> None:
    with opened(one, settings) as entry:
        assert not entry.folder.is_symlink()
        assert (entry.pipeline / "weights").read_bytes() == (Path(one.path).parent / "one" / "weights").read_bytes()
    assert entries(settings) == [one.sha256]
    assert left_over(settings) == []


# The cache's own folders.


@pytest.mark.parametrize("name", [".fetching", ".set-aside", ".evicted"])
@pytest.mark.parametrize("kind", ["file", "fifo", "link", "dangling link"])
def test_what_has_the_name_of_a_folder_of_the_cache(
    kind: str, name: str, one: Location, settings: CacheSettings, tmp_path: Path
) -> None:
    """It goes, and what a link leads to stays as it is: nothing is written, listed or removed there."""
    other = artifact(tmp_path, "other")
    with opened(one, settings) as entry:
        (entry.folder / "manifest.json").unlink()
    canary = tmp_path / "canary"
    for number in range(5):
        (canary / f"{number}" / "0").mkdir(parents=True)
        (canary / f"{number}" / "0" / "heartbeat").touch()
        os.utime(canary / f"{number}" / "0", (0, 0))
    before = sorted(canary.rglob("*"))
    path = settings.root / name
    shutil.rmtree(path, ignore_errors=True)
    {
        "file": path.touch,
        "fifo": lambda: os.mkfifo(path),
        "link": lambda: path.symlink_to(canary),
        "dangling link": lambda: path.symlink_to("/none"),
    }[kind]()
    with opened(one, settings), opened(other, CacheSettings(settings.root, limit=350_000)):
        pass
    with opened(artifact(tmp_path, "last"), CacheSettings(settings.root, limit=350_000)):
        assert len(entries(settings)) == 1
    assert sorted(canary.rglob("*")) == before
    assert path.is_dir()
    assert not path.is_symlink()


def test_few_quarantined_entries_are_kept(one: Location, settings: CacheSettings) -> None:
    """A disk that damages one after another is not filled with them."""
    for number in range(6):
        with opened(one, settings) as entry:
            pass
        (entry.pipeline / "weights").write_text(f"{number}")
    with opened(one, settings):
        pass
    kept = sorted((path / "pipeline" / "weights").read_text() for path in (settings.root / ".set-aside").iterdir())
    assert kept == ["4", "5"]


# Whose it is.


def refused(
    location: Location, root: Path, why: str, *, file_system: FileSystem | None = None, find: Find = find_artifact
) -> None:
    with pytest.raises(CacheError, match=why) as caught:
        cached_pipeline(location, CacheSettings(root, file_system=file_system or FileSystem()), find=find)
    assert "set SPACY_LAMBDA_CACHE to a folder that only this user can write" in caught.value.remedy


@ONLY_ROOT
@pytest.mark.parametrize("filled", [True, False])
def test_a_root_of_another_user(filled: bool, one: Location, settings: CacheSettings) -> None:
    settings.root.mkdir()
    if filled:
        with opened(one, settings):
            pass
    os.chown(settings.root, OTHER, OTHER)
    refused(one, settings.root, f"belongs to another user \\(uid {OTHER}\\)")


@ONLY_ROOT
def test_a_folder_of_another_user_above(one: Location, tmp_path: Path) -> None:
    (tmp_path / "theirs" / "ours").mkdir(parents=True)
    os.chown(tmp_path / "theirs", OTHER, OTHER)
    refused(one, tmp_path / "theirs" / "ours", "theirs, above it, belongs to another user")
    refused(one, tmp_path / "theirs" / "none" / "none", "theirs, above it, belongs to another user")


@ONLY_ROOT
@pytest.mark.parametrize("name", ["theirs", "theirs/cache", "link", "link/cache"])
def test_what_another_user_has_made_in_a_folder_for_all(name: str, one: Location, tmp_path: Path) -> None:
    shared, ours = tmp_path / "shared", tmp_path / "ours"
    for folder in (shared, shared / "theirs", ours, ours / "cache"):
        folder.mkdir()
    shared.chmod(0o1777)
    (shared / "link").symlink_to(ours)
    for path in (shared / "theirs", shared / "link"):
        os.chown(path, OTHER, OTHER, follow_symlinks=False)
    refused(one, shared / name, "belongs to another user|is a link")
    with opened(one, CacheSettings(shared / "new")):
        assert stat.S_IMODE((shared / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize("below", ["cache", "a/b/cache"])
@pytest.mark.parametrize("made", [True, False])
def test_a_folder_for_all_above(made: bool, below: str, one: Location, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    if made:
        (shared / below).mkdir(parents=True)
    shared.chmod(0o777)
    refused(one, shared / below, "every user can replace what is in .*shared, which has no sticky bit")
    (tmp_path / "link").symlink_to(shared)
    refused(one, tmp_path / "link" / below, "every user can replace what is in .*link, which has no sticky bit")


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_root_that_all_can_write(mode: int, one: Location, settings: CacheSettings) -> None:
    settings.root.mkdir()
    settings.root.chmod(mode)
    refused(one, settings.root, "every user can write it")


def test_a_root_that_a_group_can_write(
    one: Location, settings: CacheSettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.root.mkdir()
    settings.root.chmod(0o770)
    with opened(one, settings):
        assert f"others can write the cache: chmod go-w {settings.root}" in caplog.text


@pytest.mark.parametrize("there", [True, False])
def test_a_root_that_is_a_link(there: bool, one: Location, settings: CacheSettings, tmp_path: Path) -> None:
    if there:
        (tmp_path / "real").mkdir()
    settings.root.symlink_to(tmp_path / "real")
    refused(one, settings.root, "it is a link to ")


def test_a_link_above_of_ones_own(one: Location, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with opened(one, CacheSettings(tmp_path / "link" / "cache")) as entry:
        assert (tmp_path / "real" / "cache" / entry.sha256).is_dir()


@pytest.mark.parametrize("what", ["file", "link to nothing"])
def test_a_parent_that_is_not_a_folder(what: str, one: Location, tmp_path: Path) -> None:
    way = tmp_path / "way"
    way.touch() if what == "file" else way.symlink_to("/none")
    refused(one, way / "cache", "is not a folder|is a dangling symlink")


@ONLY_ROOT
def test_a_root_that_another_makes_meanwhile(one: Location, settings: CacheSettings) -> None:
    def taken(location: Location) -> FoundArtifact:
        settings.root.mkdir()
        os.chown(settings.root, OTHER, OTHER)
        return find_artifact(location)

    refused(one, settings.root, "belongs to another user", find=taken)


# On a network, the server says who somebody is: an access point of EFS shows its own user as the owner.


@ONLY_ROOT
@pytest.mark.parametrize(("writes_as", "is_taken"), [(OTHER, True), (None, True), (OTHER + 1, False), (-1, False)])
def test_the_owner_on_a_network(writes_as: int | None, is_taken: bool, one: Location, settings: CacheSettings) -> None:
    settings.root.mkdir()
    os.chown(settings.root, OTHER, OTHER)
    network = Network(place=settings.root, owner=writes_as)
    if is_taken:
        with opened(one, replace(settings, file_system=network)):
            pass
    else:
        refused(one, settings.root, "belongs to another user", file_system=network)


def test_all_may_write_on_a_network(one: Location, settings: CacheSettings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    settings.root.mkdir()
    settings.root.chmod(0o777)
    with opened(one, replace(settings, file_system=Network())):
        assert "others can write the cache" in caplog.text


def test_the_own_user_is_found_by_a_file(tmp_path: Path) -> None:
    assert FileSystem().own_uid(tmp_path) == os.geteuid()
    assert list(tmp_path.iterdir()) == []


def test_the_file_system_is_that_of_the_longest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    where = tmp_path / "the models"
    lines = [
        "1 0 8:1 / / rw - ext4 /dev/sda rw",
        f"2 1 0:2 / {str(where).replace(' ', chr(92) + '040')} rw shared:1 - nfs4 127.0.0.1:/ rw",
        f"3 2 0:3 / {tmp_path}/local rw - nfs4 127.0.0.1:/ rw",
        f"4 3 0:4 / {tmp_path}/local rw - tmpfs tmpfs rw",
    ]
    mounts.write_text("\n".join(lines) + "\n")
    network = FileSystem(mounts=mounts)
    found = [network.is_on_network(path) for path in (tmp_path, where, where / "cache", tmp_path / "local" / "cache")]
    assert found == [False, True, True, False]
    assert FileSystem(mounts=tmp_path / "none").is_on_network(where) is False
