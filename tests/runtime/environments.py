"""Where the tests of the runtime run: without torch, as in a function, and some with torch and the originals too."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FOLDER", "WITH_TORCH", "runs_with_torch"]

FOLDER = Path(__file__).parent

WITH_TORCH = ("curated", "test_registrations.py", "test_spacy_load.py", "test_trf_data.py")
"""What compares with originals, of which it skips a part without them, or depends on what others add to spaCy."""


def runs_with_torch(path: Path) -> bool:
    """Return whether ``pytest --runtime-apart``, which ``make test`` runs with torch, collects a module or a folder."""
    below = path.relative_to(FOLDER).parts
    return not below or below[0] in WITH_TORCH
