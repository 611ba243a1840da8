"""Standard input, output and error: there, and never the reason why a command fails."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

__all__ = ["discard", "prepare"]

_NAMES = ("stdin", "stdout", "stderr")


def prepare() -> None:
    """Open those that the caller closed, and let the others take characters that their encoding has not.

    A missing one is opened in its place: else the next file that is opened would be what other programs write to.
    """
    for number, name in enumerate(_NAMES):
        stream = getattr(sys, name)
        if stream is None:
            _open_nothing(number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard() -> None:
    """Write nothing more: what is still to be written of an output that cannot be written is given up."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            _open_nothing(number)
            with suppress(OSError, ValueError):
                stream.flush()


def _open_nothing(number: int) -> None:
    found = os.open(os.devnull, os.O_RDWR)
    if found == number:
        os.set_inheritable(number, True)
    else:
        os.dup2(found, number)
        os.close(found)
