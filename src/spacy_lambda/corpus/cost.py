"""The cost of shards on Lambda, by list prices."""

from __future__ import annotations

from spacy_lambda.cdk.prices import GB_SECOND, MILLION_REQUESTS, MILLION_TRANSITIONS

__all__ = ["invocation_cost"]

TRANSITIONS = 4
"""State transitions of an item of a Distributed Map whose children are standard executions of one task."""


def invocation_cost(seconds: float, *, memory_gb: float, architecture: str, invocations: int = 1) -> float:
    """Return dollars for shards: billed seconds, requests, and transitions of Step Functions.

    :param seconds: Billed seconds of all invocations.
    :param memory_gb: The function's memory.
    :param architecture: The function's.
    :param invocations: The number of invocations, one for each shard.
    """
    work = seconds * memory_gb * GB_SECOND[architecture]
    return work + invocations * (MILLION_REQUESTS + TRANSITIONS * MILLION_TRANSITIONS) / 1e6
