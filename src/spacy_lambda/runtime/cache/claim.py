"""Who fetches an artifact, and who waits: a hint that saves work, and nothing that safety rests on.

Of many processes, the one whose folder gets the next number fetches. It holds a lock on its heartbeat file while it
lives, and writes into it while it gets on. The others wait for the entry, and one of them takes over when the lock is
free (the process is dead) or the heartbeat stands still (it hangs, or locks do not work here).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["Claim", "is_dead", "take_claim"]

HEARTBEAT = "heartbeat"
BEAT_EVERY_S = 0.1
STALE_S = 3.0
POLL_S = (0.02, 0.5)
"""Seconds between looks, first and later: each look is a few requests to the file server of an EFS."""

FASTER = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT)
"""Another process has the number, or is removing the folder."""


class Claim:
    """The right to fetch, with a folder to fetch into."""

    def __init__(self, folder: Path, handle: int) -> None:
        self.folder = folder
        self._handle = handle
        self._beaten = 0.0

    def beat(self, done: int) -> None:
        """Show that so many bytes are done."""
        now = time.monotonic()
        if now - self._beaten > BEAT_EVERY_S:
            self._beaten = now
            os.pwrite(self._handle, b"%020d" % done, 0)

    def release(self) -> None:
        """Remove the folder, and let others see that nobody fetches."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._handle)
        # Not empty: another process has begun after this one.
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()


def take_claim(folder: Path, *, is_done: Callable[[], bool]) -> Claim | None:
    """Become the one who fetches, or wait until another one has.

    :param folder: Where the claims on one artifact are.
    :param is_done: Whether the entry is there.
    :returns: ``None`` when it is there.
    :raises OSError: When the folder cannot be written.
    """
    watched = _Watch()
    pause, longest = POLL_S
    while not is_done():
        folder.mkdir(parents=True, exist_ok=True)
        last = max((int(path.name) for path in folder.iterdir() if path.name.isdecimal()), default=None)
        if last is None or watched.has_stopped(folder / str(last)):
            claim = _make(folder, 0 if last is None else last + 1)
            if claim is not None:
                return claim
        time.sleep(pause)
        pause = min(1.2 * pause, longest)
    return None


def is_dead(claim: Path) -> bool:
    """Whether the process of a claim is known to be dead. One that may live counts as living.

    :raises OSError: Where the file system has no locks, or there is no such claim any more.
    """
    handle = os.open(claim / HEARTBEAT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


class _Watch:
    """Looks at heartbeats; only times of this process are compared, for clocks differ."""

    def __init__(self) -> None:
        self._seen: tuple[Path, bytes] | None = None
        self._since = time.monotonic()

    def has_stopped(self, claim: Path) -> bool:
        """Whether a claim's process is dead, or has shown nothing new for long."""
        try:
            if is_dead(claim):
                return True
            beat = (claim / HEARTBEAT).read_bytes()
        except FileNotFoundError:
            return False  # it was released just now
        except OSError:
            beat = b""
        if (claim, beat) != self._seen:
            self._seen, self._since = (claim, beat), time.monotonic()
        return time.monotonic() - self._since > STALE_S


def _make(folder: Path, number: int) -> Claim | None:
    """Make a claim, with its heartbeat locked, by one rename; ``None`` when another process was faster."""
    scratch = folder / f"new-{secrets.token_hex(8)}"
    handle = None
    try:
        scratch.mkdir()
        handle = os.open(scratch / HEARTBEAT, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(handle, b"%020d" % 0, 0)
        scratch.rename(folder / str(number))
    except OSError as exc:
        if handle is not None:
            os.close(handle)
        shutil.rmtree(scratch, ignore_errors=True)
        if exc.errno in FASTER:
            return None
        raise
    return Claim(folder / str(number), handle)
