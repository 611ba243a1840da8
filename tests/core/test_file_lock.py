"""The lock of a file."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from spacy_lambda.core.file_lock import LockHeld, file_lock


def test_a_lock_is_held_once_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.lock"
    with (
        file_lock(path),
        pytest.raises(LockHeld, match=f"process {os.getpid()} on {platform.node()}"),
        file_lock(path),
    ):
        pass
    assert not path.exists()
    with file_lock(path):
        assert path.exists()


def test_a_file_that_a_killed_process_leaves_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "a.lock").write_text("left")
    with file_lock(tmp_path / "a.lock"):
        assert str(os.getpid()) in (tmp_path / "a.lock").read_text()


def test_the_lock_of_another_stays(tmp_path: Path) -> None:
    """The folder was removed and made again meanwhile."""
    path = tmp_path / "a.lock"
    with file_lock(path):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.lock").symlink_to(tmp_path / "none")
    with pytest.raises(OSError, match="symbolic links"), file_lock(tmp_path / "a.lock"):
        pass
