"""Configuration of annotating a corpus with a function, complete and checked, from ``[functions.NAME.bulk]``."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BULK_CONCURRENCY", "ITEM_STATES", "BulkConfig", "map_concurrency"]

BULK_CONCURRENCY = 100
"""Default maximum of concurrent invocations: a tenth of an account's default quota."""

ITEM_STATES = 1
"""States through which the Map's child execution of an item goes, each a state transition that is paid for."""


@dataclass(frozen=True, kw_only=True)
class BulkConfig:
    """Configuration of the Distributed Map that annotates a corpus: the keys of ``[functions.NAME.bulk]``.

    :param location: Shards and results, in an existing bucket; by default in the project's bucket.
    :param max_concurrency: Maximum concurrent invocations; by default the function's concurrency, at most 100.
    :param tolerated_failure_percentage: Percentage of failed shards above which the others are not begun.
    :param tolerated_failure_count: Number of failed shards above which the others are not begun.
    :param max_attempts: Maximum retries of a shard after errors of Lambda and S3.
    """

    location: str | None = None
    max_concurrency: int | None = None
    tolerated_failure_percentage: int = 5
    tolerated_failure_count: int | None = None
    max_attempts: int = 3


def map_concurrency(bulk: BulkConfig, concurrency: int | str | None) -> int:
    """Return the maximum of concurrent invocations of a Map.

    :param bulk: The function's bulk configuration.
    :param concurrency: The function's concurrency, as it is configured.
    """
    own = concurrency if isinstance(concurrency, int) else BULK_CONCURRENCY
    return bulk.max_concurrency or min(BULK_CONCURRENCY, own)
