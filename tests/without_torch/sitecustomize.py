"""Processes of tests without torch, as a function has none; thinc imports it wherever it is installed, for seconds.

Python imports this module as it starts, in processes that have its folder in ``PYTHONPATH`` (tests/conftest.py).
"""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.metadata import EntryPoints
from itertools import chain
from typing import Any

ABSENT = ("torch", "transformers", "curated_transformers", "spacy_transformers", "spacy_curated_transformers")

_entry_points: Any = importlib.metadata.entry_points


def _others(**selected: Any) -> EntryPoints:
    """Select entry points of packages that are not absent: spaCy loads all that it finds."""
    found = _entry_points(**selected)
    every = chain.from_iterable(found.values()) if isinstance(found, dict) else found
    return EntryPoints(one for one in every if one.module.partition(".")[0] not in ABSENT)


sys.modules.update(dict.fromkeys(ABSENT))  # type: ignore[arg-type]
importlib.metadata.entry_points = _others  # type: ignore[assignment]
