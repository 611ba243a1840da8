"""The cost of shards on Lambda, by list prices."""

from __future__ import annotations

from spacy_lambda.cdk.bulk_settings import ITEM_STATES
from spacy_lambda.cdk.prices import FALLBACK_REGION, RegionPrices, describe_assumed, describe_prices

__all__ = ["CHILD_TRANSITIONS", "TRANSITIONS", "invocation_cost", "invocation_prices"]

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
    region: str = FALLBACK_REGION,
) -> float:
    """Return dollars for shards: billed seconds, requests, and transitions of Step Functions.

    :param seconds: Billed seconds of all invocations.
    :param memory_gb: The function's memory.
    :param architecture: The function's.
    :param invocations: The number of invocations.
    :param transitions: State transitions; by default as many as one shard takes for each invocation.
    :param region: The region whose prices apply, as far as they are known.
    """
    price = RegionPrices(region)
    work = seconds * memory_gb * price(f"gb_second_{architecture}")
    steps = invocations * TRANSITIONS if transitions is None else transitions
    per_million = invocations * price("million_requests") + steps * price("million_transitions")
    return work + per_million / 1e6


def invocation_prices(region: str, *, architecture: str) -> str:
    """Return the prices of :func:`invocation_cost` in words."""
    price = RegionPrices(region)
    for name in (f"gb_second_{architecture}", "million_requests", "million_transitions"):
        price(name)
    return f"{describe_prices(region)}{describe_assumed(region, price.assumed)}"
