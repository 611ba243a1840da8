"""Imports and loads without Python's garbage collector, which would traverse what they make again and again.

Nearly all of it stays, so that there is next to nothing to collect.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["gc_paused"]

_lock = threading.Lock()
_saved: list[tuple[int, int, int]] = []
"""The collector's thresholds at the beginning of each block that is running."""


@contextmanager
def gc_paused() -> Iterator[None]:
    """Collect nothing in this block; afterwards, what was made in it counts as old.

    ``gc.disable`` is not enough: srsly calls ``gc.enable`` whenever it reads a message. Blocks of several threads may
    overlap; the last one that ends lets the collector run again.
    """
    with _lock:
        _saved.append(gc.get_threshold())
        gc.set_threshold(0)
    try:
        yield
    finally:
        with _lock:
            # All objects move to the oldest generation, without being traversed.
            gc.freeze()
            gc.unfreeze()
            before_all = _saved[0]
            _saved.pop()
            if not _saved:
                gc.set_threshold(*before_all)
