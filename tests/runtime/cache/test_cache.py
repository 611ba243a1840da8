"""The function's cache, from a store in a folder: a loaded entry is complete after any earlier failure."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import spacy

from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location
from spacy_lambda.errors import ArtifactError, CacheError, NotStoredError, PipelineLoadError
from spacy_lambda.runtime.cache.claim import is_dead, take_claim
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.file_system import FileSystem
from spacy_lambda.runtime.cache.settings import CacheSettings, CacheTimes
from spacy_lambda.runtime.loading import load_pipeline, locate_pipeline
from tests.runtime.cache.caches import Network, SmallDisk, artifact, entries, left_over, opened, served


def test_fetched_once(one: Location, settings: CacheSettings) -> None:
    with opened(one, settings) as entry:
        assert (entry.pipeline / "config.cfg").is_file()
        assert spacy.load(entry.pipeline).meta["name"] == "one"
    assert entries(settings) == [one.sha256]
    assert left_over(settings) == []
    Path(one.path).unlink()
    with opened(one, settings) as again:
        assert again.pipeline == entry.pipeline


def test_a_location_without_a_digest(one: Location, settings: CacheSettings) -> None:
    with opened(Location("file", one.path), settings):
        assert entries(settings) == [one.sha256]


def test_the_function_loads_it(one: Location, settings: CacheSettings) -> None:
    environ = {"SPACY_LAMBDA_PIPELINE": f"one.tar#sha256={one.sha256}", "SPACY_LAMBDA_CACHE": str(settings.root)}
    located = locate_pipeline({**environ, "LAMBDA_TASK_ROOT": str(Path(one.path).parent)})
    located.mark()
    assert load_pipeline(located.path).meta["name"] == "one"


def test_a_folder_with_a_digest(one: Location, tmp_path: Path) -> None:
    environ = {"SPACY_LAMBDA_PIPELINE": f"{tmp_path / 'one'}#sha256={one.sha256}"}
    assert locate_pipeline(environ).path == tmp_path / "one"
    (tmp_path / "one" / "weights").write_bytes(b"other")
    with pytest.raises(ArtifactError, match=f"not {one.sha256}"):
        locate_pipeline(environ)
    with pytest.raises(PipelineLoadError, match="no such folder"):
        locate_pipeline({"SPACY_LAMBDA_PIPELINE": f"{tmp_path / 'none'}#sha256={one.sha256}"})


DAMAGE: dict[str, Callable[[Path], object]] = {
    "flipped": lambda folder: (folder / "pipeline" / "weights").write_bytes(b"x" * 200_000),
    "cut off": lambda folder: os.truncate(folder / "pipeline" / "weights", 100),
    "missing": lambda folder: (folder / "pipeline" / "config.cfg").unlink(),
    "added": lambda folder: (folder / "pipeline" / "evil.py").write_text("import os"),
    "linked": lambda folder: relink(folder / "pipeline" / "weights"),
    "no pipeline": lambda folder: shutil.rmtree(folder / "pipeline"),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "broken manifest": lambda folder: (folder / "manifest.json").write_text("{"),
    "no mark": lambda folder: (folder / "in-use").unlink(),
    "empty": lambda folder: [shutil.rmtree(folder), folder.mkdir()],
    "a file": lambda folder: [shutil.rmtree(folder), folder.touch()],
}


def relink(path: Path) -> None:
    path.rename(path.parents[3] / "elsewhere")
    path.symlink_to(path.parents[3] / "elsewhere")


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_quarantined_and_fetched_again(
    damage: str, one: Location, settings: CacheSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(one, settings) as entry:
        pass
    DAMAGE[damage](entry.folder)
    with opened(one, settings) as entry:
        assert (entry.pipeline / "weights").read_bytes() == (Path(one.path).parent / "one" / "weights").read_bytes()
    assert entries(settings) == [one.sha256]
    assert len(list((settings.root / ".set-aside").iterdir())) == 1
    assert "is quarantined" in caplog.text


def test_a_forged_manifest_does_not_help(one: Location, settings: CacheSettings, tmp_path: Path) -> None:
    """Files and manifest agree with each other, but not with the artifact's name."""
    other = artifact(tmp_path, "other")
    with opened(one, settings) as entry, opened(other, settings) as forged:
        for name in ("pipeline", "manifest.json"):
            (entry.folder / name).rename(tmp_path / f"old-{name}")
            (forged.folder / name).rename(entry.folder / name)
    with opened(one, settings) as entry:
        assert spacy.load(entry.pipeline).meta["name"] == "one"


def test_what_the_store_has_is_verified(one: Location, settings: CacheSettings) -> None:
    data = bytearray(Path(one.path).read_bytes())
    data[-100_000] ^= 1
    Path(one.path).write_bytes(data)
    for location in (one, Location("file", one.path)):
        with pytest.raises(ArtifactError):
            cached_pipeline(location, settings)
    assert entries(settings) == []
    assert left_over(settings) == []


# What is evicted.


def test_the_longest_unused_is_evicted(settings: CacheSettings, tmp_path: Path) -> None:
    places = [artifact(tmp_path, f"n{number}") for number in range(4)]
    limited = CacheSettings(settings.root, limit=int(3.2 * Path(places[0].path).stat().st_size))
    for age, place in enumerate(places[:3]):
        with opened(place, limited) as entry:
            os.utime(entry.folder / "in-use", (time.time() - 1000 + age,) * 2)
    # The oldest was used again.
    with opened(places[0], limited):
        pass
    with opened(places[3], limited):
        assert entries(settings) == sorted(str(place.sha256) for place in (places[0], places[2], places[3]))


def test_what_is_in_use_is_never_evicted(settings: CacheSettings, tmp_path: Path) -> None:
    places = [artifact(tmp_path, f"n{number}") for number in range(3)]
    limited = CacheSettings(settings.root, limit=350_000)
    with opened(places[0], limited) as first, opened(places[1], limited) as second:
        with opened(places[2], limited):
            assert len(entries(settings)) == 3
        assert (first.pipeline / "weights").is_file()
        assert (second.pipeline / "weights").is_file()
    with opened(places[2], limited):
        pass
    with opened(artifact(tmp_path, "last"), limited) as last:
        assert entries(settings) == [last.folder.name]


def test_what_another_process_uses_is_never_evicted(one: Location, settings: CacheSettings, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from spacy_lambda.core.location import parse_location\n"
        "from spacy_lambda.runtime.cache.fetch import cached_pipeline\n"
        "from spacy_lambda.runtime.cache.settings import CacheSettings\n"
        "entry = cached_pipeline(parse_location(sys.argv[1]), CacheSettings(Path(sys.argv[2])))\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(one), str(settings.root)]
    limited = CacheSettings(settings.root, limit=350_000)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with opened(artifact(tmp_path, "two"), limited):
            assert len(entries(settings)) == 2
        process.kill()
    with opened(artifact(tmp_path, "three"), limited) as three:
        assert entries(settings) == [three.folder.name]


def test_on_a_network_a_recent_use_counts_too(one: Location, settings: CacheSettings, tmp_path: Path) -> None:
    limited = replace(settings, limit=350_000, file_system=Network())
    with opened(one, settings) as entry:
        pass
    with opened(artifact(tmp_path, "two"), limited):
        assert len(entries(settings)) == 2
    os.utime(entry.folder / "in-use", (time.time() - 7 * 3600,) * 2)
    with opened(artifact(tmp_path, "three"), limited):
        assert str(one.sha256) not in entries(settings)


def test_the_kind_of_the_file_system_is_read(tmp_path: Path) -> None:
    assert FileSystem().is_on_network(tmp_path) is False


def test_room_is_made_on_a_full_disk(one: Location, settings: CacheSettings, tmp_path: Path) -> None:
    with opened(one, settings):
        pass
    capacity = int(1.5 * Path(one.path).stat().st_size) + settings.file_system.overhead
    settings = replace(settings, file_system=SmallDisk(capacity=capacity))
    with opened(artifact(tmp_path, "two"), settings) as two:
        assert entries(settings) == [two.folder.name]
        with pytest.raises(CacheError, match="is full") as caught:
            cached_pipeline(artifact(tmp_path, "large", 3_000_000), settings)
        assert "ephemeral storage" in caught.value.remedy
        assert entries(settings) == [two.folder.name]
    assert left_over(settings) == []


# What goes wrong.


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        (errno.ENOSPC, "is full", "ephemeral storage"),
        (errno.EDQUOT, "is full", "ephemeral storage"),
        (errno.EROFS, "cannot be written: Read-only file system", "SPACY_LAMBDA_CACHE"),
        (errno.EIO, "cannot be used", "is mounted"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_file_system_that_fails(
    code: int,
    message: str,
    remedy: str,
    call: str,
    one: Location,
    settings: CacheSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fail)
        with pytest.raises(CacheError, match=message) as caught:
            cached_pipeline(one, settings)
    assert remedy in caught.value.remedy
    with opened(one, settings):
        assert entries(settings) == [one.sha256]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="only root can mount a folder read-only")
def test_a_read_only_mount(one: Location, settings: CacheSettings, tmp_path: Path) -> None:
    with opened(one, settings):
        pass
    two = artifact(tmp_path, "two")
    mount = ["unshare", "--mount", "sh", "-c"]
    read_only = f"mount --bind -o ro {settings.root} {settings.root} && mount -o remount,bind,ro {settings.root} && "
    script = (
        "import sys; from pathlib import Path; from spacy_lambda.core.location import parse_location\n"
        "from spacy_lambda.runtime.cache.fetch import cached_pipeline\n"
        "from spacy_lambda.runtime.cache.settings import CacheSettings\n"
        "print(cached_pipeline(parse_location(sys.argv[1]), CacheSettings(Path(sys.argv[2]))).pipeline)"
    )

    def run(location: Location) -> subprocess.CompletedProcess[str]:
        python = f"{sys.executable} -c '{script}' '{location}' {settings.root}"
        return subprocess.run([*mount, read_only + python], capture_output=True, text=True, check=False)

    if run(one).returncode and "Operation not permitted" in run(one).stderr:
        pytest.skip("this machine does not let root mount")
    assert run(one).stdout.strip() == str(settings.root / str(one.sha256) / "pipeline")
    assert f"CacheError: {settings.root} cannot be written: Read-only file system" in run(two).stderr
    assert "SPACY_LAMBDA_CACHE" in run(two).stderr


def test_a_root_that_is_a_file(one: Location, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(CacheError, match="cannot be") as caught:
        cached_pipeline(one, CacheSettings(tmp_path / "taken"))
    assert "SPACY_LAMBDA_CACHE" in caught.value.remedy


def test_no_such_artifact(settings: CacheSettings, tmp_path: Path) -> None:
    with pytest.raises(NotStoredError, match=r"none\.tar"):
        cached_pipeline(Location("file", str(tmp_path / "none.tar"), None, Digest("0" * 64)), settings)


# Who fetches.


def test_a_process_waits_while_another_fetches(one: Location, settings: CacheSettings, tmp_path: Path) -> None:
    other = take_claim(settings.root / ".fetching" / str(one.sha256), settings, is_done=lambda: False)
    assert other is not None
    assert not is_dead(other.folder)
    with opened(one, CacheSettings(tmp_path / "elsewhere")) as entry:
        shutil.copytree(entry.folder, other.folder / "entry")
    finish = threading.Timer(0.2, lambda: (other.folder / "entry").rename(settings.root / str(one.sha256)))
    finish.start()
    fetches: list[int] = []
    with opened(one, settings, find=served(Path(one.path).read_bytes(), on_read=fetches.append)):
        finish.join()
    assert fetches == []
    other.release()
    assert left_over(settings) == []


@pytest.mark.parametrize("locks", [True, False])
def test_a_process_takes_over_from_one_that_hangs(
    locks: bool, one: Location, settings: CacheSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    if not locks:
        monkeypatch.setattr(fcntl, "flock", no_locks)
    other = take_claim(settings.root / ".fetching" / str(one.sha256), settings, is_done=lambda: False)
    assert other is not None
    (other.folder / "entry").mkdir()
    with opened(one, replace(settings, times=CacheTimes(stale_s=0.2))):
        assert entries(settings) == [one.sha256]
    other.release()


def test_a_dead_process_is_taken_over_at_once_and_swept_up(one: Location, settings: CacheSettings) -> None:
    dead = take_claim(settings.root / ".fetching" / str(one.sha256), settings, is_done=lambda: False)
    foreign = take_claim(settings.root / ".fetching" / ("f" * 64), settings, is_done=lambda: False)
    assert dead is not None
    assert foreign is not None
    (dead.folder / "entry").mkdir()
    (settings.root / ".evicted" / "half").mkdir(parents=True)
    for left in (dead, foreign):
        os.close(left._handle)
    begin = time.monotonic()
    with opened(one, settings):
        assert time.monotonic() - begin < settings.times.stale_s
    assert left_over(settings) == []
    assert list((settings.root / ".evicted").iterdir()) == []


def test_one_whose_folder_was_swept_away_begins_again(one: Location, settings: CacheSettings) -> None:
    ends: list[int] = []

    def sweep_once() -> None:
        ends.append(1)
        if len(ends) == 1:
            shutil.rmtree(settings.root / ".fetching")

    with opened(one, settings, find=served(Path(one.path).read_bytes(), at_end=sweep_once)):
        assert len(ends) == 2


def test_the_first_rename_wins(one: Location, settings: CacheSettings, tmp_path: Path) -> None:
    with opened(one, CacheSettings(tmp_path / "elsewhere")) as entry:
        pass

    def overtake() -> None:
        shutil.copytree(entry.folder, settings.root / str(one.sha256))

    with opened(one, settings, find=served(Path(one.path).read_bytes(), at_end=overtake)):
        assert entries(settings) == [one.sha256]
    assert left_over(settings) == []


def test_an_entry_that_vanishes_each_time(one: Location, settings: CacheSettings) -> None:
    """Another process puts a damaged one in its place each time."""
    impatient = replace(settings, times=CacheTimes(give_up_s=0.1))

    def overtake() -> None:
        (settings.root / str(one.sha256) / "pipeline").mkdir(parents=True)

    with pytest.raises(CacheError, match="was gone each time") as caught:
        cached_pipeline(one, impatient, find=served(Path(one.path).read_bytes(), at_end=overtake))
    assert "SPACY_LAMBDA_CACHE_LIMIT" in caught.value.remedy
