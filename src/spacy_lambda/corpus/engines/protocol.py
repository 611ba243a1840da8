"""The protocol of an engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Protocol

from spacy_lambda.core.annotation import Counts
from spacy_lambda.corpus.shards import Shard

__all__ = ["Engine", "OnDocuments", "ShardResult"]

OnDocuments = Callable[[Counts], None]
"""Called with the counts of documents that have just been annotated; from any thread."""


@dataclass(frozen=True)
class ShardResult:
    """An annotated shard.

    :param name: Its name.
    :param lines: The annotated documents as lines of JSON, in order.
    :param errors: The documents with an error, as lines of JSON.
    :param counts: All of them in numbers.
    :param seconds: The time that it took.
    :param billed_ms: On Lambda: billed milliseconds.
    :param cost: On Lambda: dollars, by list prices.
    """

    name: str
    lines: bytes
    errors: bytes
    counts: Counts
    seconds: float
    billed_ms: int | None = None
    cost: float | None = None


class Engine(Protocol):
    """A place where shards are annotated."""

    def run(self, shards: Iterator[Shard], on_documents: OnDocuments) -> Generator[ShardResult, None, None]:
        """Yield the results of shards as they are done, in any order. Shards are taken when there is work to give out.

        Closing the iterator ends the work; shards that have not been yielded have had no effect.

        :param shards: The shards.
        :param on_documents: Called with the counts of documents that have just been annotated; from any thread.
        :raises CorpusError: If the work cannot go on.
        """
        ...
