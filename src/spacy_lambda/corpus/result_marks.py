"""What a run leaves beside its results, by which they are recognized as such."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["INTERNAL", "RUN", "completion_name", "results_among"]

INTERNAL = "_annotate"
"""The folder of a run's records."""

RUN = f"{INTERNAL}/run.json"
"""Name of the file with a run's settings."""


def completion_name(file: str) -> str:
    """Return the name of the record of an output of one file that is complete."""
    return f".{file}.annotate.json"


def results_among(files: Sequence[Path], source: Path) -> Iterator[Path]:
    """Yield the folders and files of results among the files of a source, which is not itself a folder of results."""
    below = {folder for file in files for folder in file.parents if folder.is_relative_to(source) and folder != source}
    folders = {folder for folder in below if (folder / RUN).is_file()}
    yield from sorted(folders)
    for file in files:
        if folders.isdisjoint(file.parents) and file.with_name(completion_name(file.name)).is_file():
            yield file
