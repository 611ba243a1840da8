"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from spacy_lambda.core.files import file_beside, folder_beside, is_special, move_folder_into_place, replacing


def test_a_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.tar"
    for content in (b"old", b"new"):
        with replacing(path) as file:
            file.write(content)
            assert not path.exists() or path.read_bytes() == b"old"
        assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]


def write_and_fail(path: Path, error: Callable[[], BaseException]) -> None:
    with replacing(path) as file:
        file.write(b"new")
        raise error()


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"old")
    with pytest.raises(error):
        write_and_fail(path, error)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    full = partial(OSError, errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "a.tar"))):
        write_and_fail(tmp_path / "a.tar", full)
    assert list(tmp_path.iterdir()) == []


def test_what_was_moved_from_a_temporary_place_stays(tmp_path: Path) -> None:
    with file_beside(tmp_path / "a") as (file, scratch), folder_beside(tmp_path / "b") as folder:
        file.write(b"1")
        scratch.rename(tmp_path / "a")
        (folder / "b").mkdir()
        (folder / "b").rename(tmp_path / "b")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a", tmp_path / "b"]
    assert (tmp_path / "a").read_bytes() == b"1"


@contextmanager
def special(kind: str, folder: Path) -> Iterator[tuple[Path, Callable[[], bytes]]]:
    """A path that is not to be replaced, and what returns the content that it got."""
    path = folder / "out"
    read: Callable[[], bytes]
    if kind == "pipe":
        os.mkfifo(path)
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        read = partial(os.read, handle, 1000)
    else:  # as /dev/stdout, if the shell has redirected it into a file
        handle = os.open(folder / "redirected", os.O_RDWR | os.O_CREAT)
        path.symlink_to(f"/proc/self/fd/{handle}")
        read = (folder / "redirected").read_bytes
    try:
        yield path, read
    finally:
        os.close(handle)


@pytest.mark.parametrize("kind", ["pipe", "open file"])
def test_devices_and_pipes_are_written_to(kind: str, tmp_path: Path) -> None:
    with special(kind, tmp_path) as (path, read):
        before, names = path.lstat(), sorted(tmp_path.iterdir())
        assert is_special(path)
        with replacing(path) as file:
            file.write(b"content")
        assert read() == b"content"
        assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
        assert sorted(tmp_path.iterdir()) == names


def test_devices_are_special() -> None:
    """Nothing is written here: a fault would replace the device for all programs of this machine."""
    assert is_special(Path(os.devnull))


def test_files_folders_and_free_paths_are_not_special(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "nothing").symlink_to("missing")
    assert not any(map(is_special, [tmp_path, *tmp_path.iterdir(), tmp_path / "free", tmp_path / "no" / "folder"]))


def test_a_folder_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "kept").mkdir(parents=True)
    with pytest.raises(FileNotFoundError), folder_beside(out) as scratch:
        move_folder_into_place(scratch / "never made", out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (out / "kept").is_dir()
    with folder_beside(out) as scratch:
        (scratch / "new").mkdir()
        move_folder_into_place(scratch / "new", out)
    assert list(tmp_path.rglob("*")) == [out]
