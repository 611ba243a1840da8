"""Figures of a run: while it goes on, and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from spacy_lambda.core.annotation import Counts
from spacy_lambda.corpus.duplicates import Duplicates

__all__ = [
    "ERRORS_FILE",
    "OnProgress",
    "OnStates",
    "OnWarning",
    "Progress",
    "ShardStates",
    "Summary",
    "no_progress",
    "no_states",
]


@dataclass(frozen=True, kw_only=True)
class ShardStates:
    """The shards that this run annotates, by what they do.

    :param waiting: Shards that are not begun.
    :param running: Shards whose invocation runs.
    :param done: Shards that are annotated.
    :param failed: Shards that have failed, after all retries.
    :param execution: The execution of Step Functions that annotates them, by its ARN.
    :param stopped: True if the execution was stopped.
    """

    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    execution: str | None = None
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The state of a run.

    :param documents: Documents that are done in this run.
    :param words: Their words.
    :param errors: Documents with an error.
    :param resumed: Documents that were done before this run.
    :param read_bytes: Bytes of the corpus that are read, of files that are done.
    :param total_bytes: Bytes of the corpus; ``None`` if unknown.
    :param total_documents: Documents of the corpus, extrapolated until it is read to its end; ``None`` if unknown.
    :param seconds: Seconds since the first process was ready.
    :param cost: Dollars so far, on Lambda.
    :param total_cost: Dollars that the run will cost, extrapolated once all shards are known and one is done.
    :param states: States of the shards, on Lambda.
    """

    documents: int
    words: int
    errors: int
    resumed: int
    read_bytes: int
    total_bytes: int | None
    total_documents: int | None = None
    seconds: float = 0.0
    cost: float | None = None
    total_cost: float | None = None
    states: ShardStates | None = None

    @property
    def documents_per_second(self) -> float | None:
        """Documents that this run annotates in a second, without the loading of the pipeline."""
        return self.documents / self.seconds if self.documents and self.seconds else None

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds that the rest takes at this rate."""
        if self.total_documents is None or self.documents_per_second is None:
            return None
        return max(0, self.total_documents - self.resumed - self.documents) / self.documents_per_second


OnProgress = Callable[[Progress], None]
"""Called whenever documents are done, once at a time, from any thread."""


ERRORS_FILE = "_errors.jsonl"
"""The file with the documents that have an error, in a folder."""

OnWarning = Callable[[str], object]
"""Called with a warning."""


OnStates = Callable[[ShardStates], None]
"""Called with the states of the shards."""


def no_states(states: ShardStates) -> None:
    """Ignore the states of shards."""


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
    :param annotating_seconds: The part of it in which documents were annotated: without loading the pipeline, without
        reading the corpus before, and without writing the output of all results.
    :param errors_file: The file with the documents that have an error, if there are any.
    :param reasons: How many documents have each error, by the message of the first: messages that differ in numbers
        only are one error. Errors beyond the first thousand are ``other reasons``.
    :param duplicates: Documents with the identifier of an earlier one of the corpus.
    :param cost: Dollars that all shards' invocations cost, on Lambda.
    """

    destination: str
    counts: Counts = field(default_factory=Counts)
    resumed: int = 0
    shards: int = 0
    seconds: float = 0.0
    annotating_seconds: float = 0.0
    errors_file: str | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    duplicates: Duplicates = field(default_factory=Duplicates)
    cost: float | None = None

    @property
    def errors_path(self) -> str | None:
        """The path of the file with the documents that have an error: in the folder, or beside the one file."""
        folder = self.destination.rstrip("/")
        if self.errors_file != ERRORS_FILE:
            folder = folder.rpartition("/")[0]
        return self.errors_file and (f"{folder}/{self.errors_file}" if folder else self.errors_file)

    @property
    def annotated(self) -> int:
        """Documents that were done in this run."""
        return self.counts.documents - self.resumed

    @property
    def documents_per_second(self) -> float | None:
        """Documents that this run annotated in a second of that part."""
        return self.annotated / self.annotating_seconds if self.annotated and self.annotating_seconds else None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return {
            **vars(self),
            "counts": self.counts.to_dict(),
            "reasons": dict(self.reasons.most_common()),
            "duplicates": asdict(self.duplicates),
        }
