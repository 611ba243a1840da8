"""Figures of a run: while it goes on, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from spacy_lambda.core.annotation import Counts

__all__ = ["OnProgress", "Progress", "Summary", "no_progress"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The state of a run.

    :param documents: Documents that are done in this run.
    :param words: Their words.
    :param errors: Those with an error.
    :param resumed: Documents that were done before this run.
    :param read_bytes: Bytes of the corpus that are read, of files that are done.
    :param total_bytes: Bytes of the corpus; ``None`` if unknown.
    :param cost: Dollars so far, on Lambda.
    """

    documents: int
    words: int
    errors: int
    resumed: int
    read_bytes: int
    total_bytes: int | None
    cost: float | None = None


OnProgress = Callable[[Progress], None]
"""Called whenever documents are done, once at a time, from any thread."""


def no_progress(progress: Progress) -> None:
    """Ignore progress."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The result of a run.

    :param destination: The output, as the user named it.
    :param counts: All documents of the output in numbers, done in this run or before.
    :param resumed: Documents that were done before this run.
    :param shards: The number of shards.
    :param seconds: The time of this run.
    :param errors_file: The file with the documents that have an error, if there are any.
    :param cost: Dollars that all shards' invocations cost, on Lambda.
    """

    destination: str
    counts: Counts = field(default_factory=Counts)
    resumed: int = 0
    shards: int = 0
    seconds: float = 0.0
    errors_file: str | None = None
    cost: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return {**vars(self), "counts": self.counts.to_dict()}
