"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from spacy_lambda.core.files import file_beside, folder_beside, replacing


def test_a_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.tar"
    for content in (b"old", b"new"):
        with replacing(path) as file:
            file.write(content)
            assert not path.exists() or path.read_bytes() == b"old"
        assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]


def write_and_fail(path: Path, error: type[BaseException]) -> None:
    with replacing(path) as file:
        file.write(b"new")
        raise error


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"old")
    with pytest.raises(error):
        write_and_fail(path, error)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_moved_from_a_temporary_place_stays(tmp_path: Path) -> None:
    with file_beside(tmp_path / "a") as (file, scratch), folder_beside(tmp_path / "b") as folder:
        file.write(b"1")
        scratch.rename(tmp_path / "a")
        (folder / "b").mkdir()
        (folder / "b").rename(tmp_path / "b")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a", tmp_path / "b"]
    assert (tmp_path / "a").read_bytes() == b"1"
