"""Blocks without Python's garbage collector."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from spacy_lambda.runtime.gc_pause import gc_paused

COUNT = """
import gc
before = [stat["collections"] for stat in gc.get_stats()]
from spacy_lambda.runtime.spacy_import import spacy
print(sum(stat["collections"] for stat in gc.get_stats()) - sum(before), gc.get_threshold()[0] > 0, gc.isenabled())
"""


class Node:
    """An object in a cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.slow
def test_nothing_is_collected_until_the_block_ends() -> None:
    thresholds = gc.get_threshold()
    with gc_paused():
        found = weakref.ref(Node())
        gc.enable()  # as srsly does
        kept = [[number] for number in range(100_000)]
        assert found() is not None
    assert len(kept) == 100_000
    assert gc.get_threshold() == thresholds
    assert gc.isenabled()
    gc.collect()
    assert found() is None


def test_the_collector_runs_again_after_an_error() -> None:
    thresholds = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"), gc_paused():
        raise ValueError("broken")
    assert gc.get_threshold() == thresholds


def test_blocks_that_overlap() -> None:
    """Two threads load pipelines; the first to begin is the first to end."""
    thresholds = gc.get_threshold()
    first, second = gc_paused(), gc_paused()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == 0
    second.__exit__(None, None, None)
    assert gc.get_threshold() == thresholds


@pytest.mark.slow
def test_the_import_of_spacy_collects_next_to_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    collections, has_threshold, is_enabled = done.stdout.split()
    assert int(collections) < 60  # of the package's own imports; of spaCy's 150
    assert (has_threshold, is_enabled) == ("True", "True")
