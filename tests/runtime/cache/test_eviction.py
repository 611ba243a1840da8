"""Room in the cache: first it is decided, then evicted; and only for a size that is verified."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.core.artifact.manifest import MANIFEST, FileEntry, Manifest
from spacy_lambda.core.artifact.tar import BLOCK, digest_line, header, padding
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location
from spacy_lambda.errors import ArtifactError, CacheError, SpacyLambdaError
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.file_system import FileSystem
from spacy_lambda.runtime.cache.folders import tree_size
from spacy_lambda.runtime.cache.settings import CacheSettings, read_settings
from tests.runtime.cache.caches import SmallDisk, artifact, entries, left_over, opened, served

SIZE = 310_000
"""Bytes that an artifact of the tests needs at most."""


@pytest.fixture
def three(settings: CacheSettings, tmp_path: Path) -> list[str]:
    """Digests of three entries that nobody uses."""
    places = [artifact(tmp_path, f"old{number}") for number in range(3)]
    for place in places:
        with opened(place, settings):
            pass
    return sorted(str(place.sha256) for place in places)


def on_disk(settings: CacheSettings, capacity: int) -> CacheSettings:
    """The same cache on a disk of this size."""
    return replace(settings, file_system=SmallDisk(capacity=capacity))


def used(settings: CacheSettings) -> int:
    """Bytes of all entries, and the overhead of one."""
    return tree_size(settings.root) + settings.file_system.overhead


def claiming(size: int) -> bytes:
    """An artifact whose manifest claims so many bytes, and which breaks off."""
    data = Manifest({"lang": "en", "name": "x"}, (FileEntry("weights", size, Digest("0" * 64)),)).to_bytes()
    parts = [header(MANIFEST, len(data)) + data + padding(len(data))]
    line = digest_line(data)
    parts.append(header("manifest.sha256", len(line)) + line + padding(len(line)))
    return b"".join([*parts, header("pipeline/weights", size), bytes(BLOCK)])


# The limit.


@pytest.mark.parametrize("limit", [1, 1000, 250_000])
def test_a_limit_smaller_than_the_artifact_is_an_error(
    limit: int, one: Location, settings: CacheSettings, three: list[str]
) -> None:
    with pytest.raises(CacheError, match=rf"needs 3\d\d,\d\d\d bytes.*SPACY_LAMBDA_CACHE_LIMIT is {limit:,}") as caught:
        cached_pipeline(one, replace(settings, limit=limit))
    assert "set SPACY_LAMBDA_CACHE_LIMIT to 1MB or more" in caught.value.remedy
    assert entries(settings) == three
    assert left_over(settings) == []


@pytest.mark.parametrize("reported", [None, 0, 10, 10**15])
def test_any_size_that_the_store_reports(
    reported: int | None, one: Location, settings: CacheSettings, three: list[str]
) -> None:
    """Too small a size does not get it past the limit; too large a one evicts nothing."""
    find = served(Path(one.path).read_bytes(), size=reported)
    with pytest.raises(CacheError, match="SPACY_LAMBDA_CACHE_LIMIT"):
        cached_pipeline(one, replace(settings, limit=SIZE // 2), find=find)
    assert entries(settings) == three
    if reported == 10**15:
        with pytest.raises(CacheError, match="is full"):
            cached_pipeline(one, settings, find=find)
        assert entries(settings) == three


def test_the_limit_holds_when_the_new_entry_is_verified(
    one: Location, settings: CacheSettings, three: list[str]
) -> None:
    with opened(one, replace(settings, limit=2 * SIZE)) as entry:
        left = entries(settings)
        assert entry.sha256 in left
        assert len(left) == 2


def test_what_is_in_use_beyond_the_limit_is_said(
    one: Location, settings: CacheSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limited = replace(settings, limit=SIZE)
    with opened(artifact(tmp_path, "used"), limited) as used, opened(one, limited):
        assert used.folder.is_dir()
    assert "exceeds SPACY_LAMBDA_CACHE_LIMIT (310,000 bytes)" in caplog.text


def test_quarantined_entries_count_and_are_evicted_first(
    one: Location, settings: CacheSettings, three: list[str]
) -> None:
    quarantined = settings.root / ".set-aside" / "old"
    quarantined.mkdir(parents=True)
    (quarantined / "data").write_bytes(bytes(SIZE))
    with opened(one, replace(settings, limit=4 * SIZE)):
        assert not quarantined.exists()
        assert len(entries(settings)) == 4


# The disk.


def test_what_is_larger_than_the_disk_evicts_nothing(settings: CacheSettings, three: list[str], tmp_path: Path) -> None:
    large = artifact(tmp_path, "large", 3_000_000)
    with pytest.raises(CacheError, match=r"needs 3,\d+,\d+ bytes") as caught:
        cached_pipeline(large, on_disk(settings, 2_000_000))
    assert "4 MB of ephemeral storage" in caught.value.remedy
    assert entries(settings) == three
    assert left_over(settings) == []


def test_an_artifact_without_room_next_to_used_entries_evicts_nothing(
    one: Location, settings: CacheSettings, three: list[str], tmp_path: Path
) -> None:
    with opened(artifact(tmp_path, "used", 1_500_000), settings):
        before = entries(settings)
        with pytest.raises(CacheError, match="after evicting everything unused"):
            cached_pipeline(artifact(tmp_path, "large", 1_500_000), on_disk(settings, 3_500_000))
        assert entries(settings) == before


def test_no_more_is_evicted_than_has_to_go(one: Location, settings: CacheSettings, three: list[str]) -> None:
    with opened(one, on_disk(settings, used(settings) + 100_000)):
        assert len(entries(settings)) == 3


@pytest.mark.parametrize(
    "data",
    [claiming(900_000), claiming(600_000), claiming(900_000) + bytes(800_000)],
    ids=["claimed", "claimed, smaller", "sent in part"],
)
@pytest.mark.parametrize("digest", [True, False])
def test_what_is_not_verified_evicts_nothing(
    digest: bool,
    data: bytes,
    one: Location,
    settings: CacheSettings,
    three: list[str],
) -> None:
    """A manifest that claims what would need all the room, under a digest that is not its own, or under none."""
    full, find = on_disk(settings, used(settings) + 100_000), served(data, size=len(data))
    with pytest.raises(ArtifactError):
        cached_pipeline(one if digest else Location("file", one.path), full, find=find)
    assert entries(settings) == three
    assert left_over(settings) == []


def test_whole_but_another_evicts_nothing(
    one: Location, settings: CacheSettings, three: list[str], tmp_path: Path
) -> None:
    other = artifact(tmp_path, "other")
    find = served(Path(other.path).read_bytes())
    for capacity in (10**9, used(settings)):
        with pytest.raises(ArtifactError, match=f"{other.sha256}, not {one.sha256}"):
            cached_pipeline(one, replace(on_disk(settings, capacity), limit=4 * SIZE), find=find)
        assert entries(settings) == three


def test_it_is_read_twice_only_when_something_has_to_go(
    one: Location, settings: CacheSettings, three: list[str]
) -> None:
    data = Path(one.path).read_bytes()
    read: list[int] = []
    find = served(data, on_read=read.append)
    with opened(one, settings, find=find) as entry:
        assert sum(read) == len(data)
    shutil.rmtree(entry.folder)
    read.clear()
    with opened(one, on_disk(settings, used(settings)), find=find):
        assert len(data) < sum(read) <= 2 * len(data) + SIZE


# The disk says that it is full only when it is written: a quota, inodes, another process.


class Filling:
    """A file system that takes so many files of a pipeline, and more once something was evicted."""

    def __init__(self, root: Path, code: int, before: int) -> None:
        self.root, self.code, self.before = root, code, before
        self.had = len(list(root.glob("[0-9a-f]*")))

    def __call__(self, handle: int, data: Any = None) -> None:
        self.before -= 1
        if self.before < 0 and len(list(self.root.glob("[0-9a-f]*"))) >= self.had:
            raise OSError(self.code, os.strerror(self.code))


@pytest.mark.slow
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("before", [0, 1, 3, 8])
def test_full_midway(
    before: int,
    code: int,
    one: Location,
    settings: CacheSettings,
    three: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However much is said to be free, what nobody uses makes room."""
    monkeypatch.setattr(os, "fsync", Filling(settings.root, code, before))
    with opened(one, replace(settings, file_system=FileSystem(overhead=0))) as entry:
        left = entries(settings)
        assert entry.sha256 in left
        assert len(left) < 4
    assert left_over(settings) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_when_a_folder_is_made(
    code: int, one: Location, settings: CacheSettings, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no room for a claim, nor for a folder to move entries to."""
    mkdir = Path.mkdir

    def full(path: Path, *arguments: Any, **more: Any) -> None:
        if path.is_relative_to(settings.root) and set(three) <= set(entries(settings)):
            raise OSError(code, os.strerror(code))
        mkdir(path, *arguments, **more)

    monkeypatch.setattr(Path, "mkdir", full)
    with opened(one, replace(settings, file_system=FileSystem(overhead=0))) as entry:
        assert entry.sha256 in entries(settings)


def test_full_with_nothing_to_evict(one: Location, settings: CacheSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError, match="is full") as caught:
        cached_pipeline(one, settings)
    assert "ephemeral storage" in caught.value.remedy
    assert left_over(settings) == []


# What the entries' own records say.


@pytest.mark.parametrize(
    "manifest",
    [
        b"[" * 100_000,
        b'{"files": [{"size": 1e999}]}',
        b'{"files": [{"size": 400000000000}]}',
        b"\xff" * 5_000_000,
        None,
    ],
    ids=["deep", "infinite", "claims much", "huge", "fifo"],
)
def test_the_size_of_an_entry_is_what_it_takes(
    manifest: bytes | None, one: Location, settings: CacheSettings, three: list[str]
) -> None:
    """A manifest is not asked for it: a damaged one would have everything evicted, or nothing."""
    path = settings.root / three[0] / "manifest.json"
    path.unlink()
    if manifest is None:
        os.mkfifo(path)
    else:
        path.write_bytes(manifest)
    with opened(one, replace(settings, limit=5 * SIZE + (len(manifest) if manifest else 0))):
        assert len(entries(settings)) == 4


@pytest.mark.parametrize("what", ["folder", "fifo", "missing"])
def test_an_entry_without_its_mark_can_be_evicted(
    what: str, one: Location, settings: CacheSettings, three: list[str]
) -> None:
    mark = settings.root / three[0] / "in-use"
    mark.unlink()
    {"folder": mark.mkdir, "fifo": lambda: os.mkfifo(mark), "missing": lambda: None}[what]()
    os.utime(settings.root / three[0], (0, 0))
    if what != "missing":
        os.utime(mark, (0, 0))
    with opened(one, replace(settings, limit=3 * SIZE)):
        assert three[0] not in entries(settings)


# The setting.


@pytest.mark.parametrize(
    ("text", "size"), [("", None), ("500MB", 500_000_000), ("2 GiB", 2 * 2**30), ("1.5g", 1_500_000_000), ("7", 7)]
)
def test_sizes(text: str, size: int | None) -> None:
    assert read_settings({"SPACY_LAMBDA_CACHE_LIMIT": text}).limit == size


@pytest.mark.parametrize(
    "text",
    ["much", "-1", "1TBx", "1 I", "GB", " ", "1e9", "1e999", "inf", "nan", "0x10", "٣GB", "1_000", "9" * 400, "1,5GB"],
)
def test_wrong_sizes(text: str) -> None:
    with pytest.raises(CacheError, match="an invalid size") as caught:
        read_settings({"SPACY_LAMBDA_CACHE_LIMIT": text})
    assert "500MB" in caught.value.remedy
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("text", ["0", "0GB", "0.0", "0.4"])
def test_a_limit_of_nothing(text: str) -> None:
    with pytest.raises(CacheError, match="too small for any pipeline") as caught:
        read_settings({"SPACY_LAMBDA_CACHE_LIMIT": text})
    assert "unset it" in caught.value.remedy


def test_the_root() -> None:
    assert read_settings({}).root == Path("/tmp/spacy-lambda")
    assert read_settings({"SPACY_LAMBDA_CACHE": "/mnt/models"}).root == Path("/mnt/models")


def test_errors_are_ours(caplog: pytest.LogCaptureFixture, one: Location, settings: CacheSettings) -> None:
    """A limit of zero that was not read from the environment is refused as well."""
    caplog.set_level(logging.WARNING)
    with pytest.raises(SpacyLambdaError):
        cached_pipeline(one, replace(settings, limit=0))
