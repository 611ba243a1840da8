"""The cost of shards on Lambda, by list prices."""

from __future__ import annotations

from spacy_lambda.cdk.bulk_settings import ITEM_STATES
from spacy_lambda.cdk.prices import REGION, usd

__all__ = ["CHILD_TRANSITIONS", "TRANSITIONS", "invocation_cost"]

CHILD_TRANSITIONS = 3
"""State transitions of a standard child execution of a Distributed Map, besides those of its states: the Map starts it
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html), it starts, and it ends (the examples
of https://aws.amazon.com/step-functions/pricing). Each retry of a state is another one."""

TRANSITIONS = CHILD_TRANSITIONS + ITEM_STATES
"""State transitions of a shard whose first attempt succeeds."""


def invocation_cost(
    seconds: float,
    *,
    memory_gb: float,
    architecture: str,
    invocations: int = 1,
    transitions: int | None = None,
    region: str = REGION,
) -> float:
    """Return dollars for shards: billed seconds, requests, and transitions of Step Functions.

    :param seconds: Billed seconds of all invocations.
    :param memory_gb: The function's memory.
    :param architecture: The function's.
    :param invocations: The number of invocations.
    :param transitions: State transitions; by default those of a shard for each invocation.
    :param region: The region whose prices apply, as far as they are known.
    """
    work = seconds * memory_gb * usd(f"gb_second_{architecture}", region)
    steps = invocations * TRANSITIONS if transitions is None else transitions
    per_million = invocations * usd("million_requests", region) + steps * usd("million_transitions", region)
    return work + per_million / 1e6
