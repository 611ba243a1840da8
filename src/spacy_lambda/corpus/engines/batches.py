"""Shards -> batches of their documents; results of batches -> results of shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spacy_lambda.core.annotation import Counts, cut_batches
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.corpus.shards import Shard

__all__ = ["ShardBatch", "ShardResults", "join_results", "shard_batches"]


@dataclass(frozen=True)
class ShardBatch:
    """Consecutive documents of a shard, which are annotated together.

    :param shard: The shard's name.
    :param number: Its number in the shard, from 0.
    :param batches: The number of the shard's batches.
    :param lines: Its documents as lines of JSON.
    """

    shard: str
    number: int
    batches: int
    lines: bytes


def shard_batches(shard: Shard) -> list[ShardBatch]:
    """Return the batches of a shard, in order."""
    found = list(cut_batches(shard.lines.splitlines(keepends=True), len))
    return [ShardBatch(shard.name, number, len(found), b"".join(lines)) for number, lines in enumerate(found)]


class ShardResults:
    """Results of batches, which come in any order, until all results of their shard are there."""

    def __init__(self) -> None:
        self._found: dict[str, dict[int, ShardResult]] = {}

    def add(self, batch: ShardBatch, result: ShardResult) -> Iterator[ShardResult]:
        """Add the result of a batch; if it completes its shard, yield the shard's result."""
        found = self._found.setdefault(batch.shard, {})
        found[batch.number] = result
        if len(found) == batch.batches:
            yield join_results(batch.shard, [found[number] for number in range(batch.batches)])
            del self._found[batch.shard]


def join_results(name: str, results: Sequence[ShardResult]) -> ShardResult:
    """Return the result of a shard whose documents were annotated in parts.

    :param name: The shard's name.
    :param results: Results of the parts, in order.
    """
    counts = Counts()
    for result in results:
        counts.add(result.counts)
    return ShardResult(
        name,
        b"".join(result.lines for result in results),
        b"".join(result.errors for result in results),
        counts,
        sum(result.seconds for result in results),
    )
