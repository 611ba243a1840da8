"""Signals that ask a program to end: servers stop, and work in progress is cleaned up as after Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["SignalInterrupt", "end_signals", "interrupted_by_signals"]


class SignalInterrupt(KeyboardInterrupt):
    """A signal that asks the program to end.

    :param number: The signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def end_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end a server; not SIGHUP if it is ignored, as under nohup."""
    hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hangup)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Raise an exception in the block for SIGTERM and SIGHUP, unless they are ignored, as under nohup."""
    changed = []
    if threading.current_thread() is threading.main_thread():
        changed = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]
    for one in changed:
        signal.signal(one, _interrupt)
    try:
        yield
    finally:
        for one in changed:
            signal.signal(one, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise SignalInterrupt(number)
