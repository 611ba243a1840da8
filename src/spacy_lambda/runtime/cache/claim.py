"""Claims, by which one process fetches an artifact and others wait: they save work, and safety does not depend on them.

Of many processes, the one whose folder gets the next number fetches. It holds a lock on its heartbeat file while it
lives, and writes into it while it makes progress. The others wait for the entry, and one of them takes over when the
lock is free (the process is dead) or the heartbeat stands still (it hangs, or locks do not work here).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from spacy_lambda.runtime.cache.folders import (
    VANISHED,
    identity,
    list_names,
    make_folder,
    new_file,
    open_file,
    publish,
    read_file,
    remove,
    remove_empty,
)
from spacy_lambda.runtime.cache.settings import CacheSettings

__all__ = ["FETCHING", "HEARTBEAT", "Claim", "is_dead", "is_number", "take_claim"]

FETCHING = ".fetching"
HEARTBEAT = "heartbeat"
HEARTBEAT_BYTES = 20
HEARTBEAT_INTERVAL_S = 0.1
POLL_S = (0.02, 0.5)
"""Poll intervals in seconds, first and later: each poll is a few requests to the file server of an EFS."""


class Claim:
    """The right to fetch, with a folder to fetch into."""

    def __init__(self, folder: Path, handle: int) -> None:
        self.folder = folder
        self.done = 0
        self._handle = handle
        self._known = identity(folder)
        self._beaten = 0.0

    def beat(self, done: int) -> None:
        """Record the given number of bytes as done."""
        self.done = done
        now = time.monotonic()
        if now - self._beaten > HEARTBEAT_INTERVAL_S:
            self._beaten = now
            with contextlib.suppress(OSError):
                os.pwrite(self._handle, _beat(done), 0)

    def release(self) -> None:
        """Remove the folder, unless it is another process's by now, so that others see that the fetch has ended."""
        if self._known is not None and identity(self.folder) == self._known:
            remove(self.folder)
        os.close(self._handle)
        # Not empty: another process has begun after this one.
        remove_empty(self.folder.parent)


def take_claim(folder: Path, settings: CacheSettings, *, is_done: Callable[[], bool]) -> Claim | None:
    """Acquire the claim, or wait until another process has fetched the artifact.

    :param folder: The folder of the claims on one artifact.
    :param is_done: Returns whether the entry exists.
    :returns: ``None`` when it is there.
    :raises OSError: If the folder cannot be written.
    """
    watched = _Watch(settings.times.stale_s)
    pause, longest = POLL_S
    waited = time.monotonic()
    while not is_done():
        last = max((int(name) for name in list_names(folder) if is_number(name)), default=None)
        if last is None or watched.has_stopped(folder / str(last)):
            claim = _make(folder, 0 if last is None else last + 1, root=settings.root)
            if claim is not None:
                return claim
            if time.monotonic() - waited > settings.times.give_up_s:
                raise TimeoutError(errno.ETIMEDOUT, "removed by another process again and again", str(folder))
        else:
            waited = time.monotonic()
        time.sleep(pause)
        pause = min(1.2 * pause, longest)
    return None


def is_number(name: str) -> bool:
    """Return whether a name is a claim's: a number below the maximum."""
    return name.isascii() and name.isdecimal() and len(name) < 16 and str(int(name)) == name


def is_dead(claim: Path) -> bool:
    """Return whether the process of a claim is known to be dead.

    :raises OSError: If the file system has no locks, or the claim is gone.
    """
    handle = open_file(claim / HEARTBEAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


class _Watch:
    """A watch on heartbeats; only times of this process are compared, because clocks differ."""

    def __init__(self, stale_s: float) -> None:
        self._stale_s = stale_s
        self._seen: tuple[Path, bytes] | None = None
        self._since = time.monotonic()

    def has_stopped(self, claim: Path) -> bool:
        """Return whether a claim's process is dead, or has made no progress for long."""
        try:
            if is_dead(claim):
                return True
            beat = read_file(claim / HEARTBEAT, max_bytes=HEARTBEAT_BYTES)
        except OSError:
            # Released just now, or what a process that died has left.
            beat = b""
        if (claim, beat) != self._seen:
            self._seen, self._since = (claim, beat), time.monotonic()
        return time.monotonic() - self._since > self._stale_s


def _beat(done: int) -> bytes:
    return b"%0*d" % (HEARTBEAT_BYTES, done)


def _make(folder: Path, number: int, *, root: Path) -> Claim | None:
    """Make a claim, with its heartbeat locked, by one rename; ``None`` when another process was faster."""
    scratch, target = folder / f"new-{secrets.token_hex(8)}", folder / str(number)
    handle, taken = None, False
    try:
        make_folder(scratch, root=root)
        handle = new_file(scratch / HEARTBEAT)
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(handle, _beat(0), 0)
        taken = publish(scratch, target)
        return Claim(target, handle) if taken else None
    except OSError as exc:
        if exc.errno not in VANISHED:
            raise
        return None
    finally:
        if not taken:
            remove(scratch)
            if handle is not None:
                os.close(handle)
