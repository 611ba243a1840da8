"""The share of calls that are cold: a model, because AWS promises no time for which it keeps an idle environment.

Calls arrive independently of each other (a Poisson process), and each goes to the first environment that is free, in a
fixed order. The environments are the servers of Erlang's loss formula: number n is offered the calls that find those
before it busy. An environment that has had no call for ``idle_s`` is gone, and its next call is cold. What this leaves
out: bursts make more cold starts, and so does AWS when it replaces environments.
"""

from __future__ import annotations

import math

__all__ = ["KEPT_IDLE_S", "blocked_share", "cold_share", "environments_for"]

KEPT_IDLE_S = 300.0
"""Seconds for which an idle environment is kept in this model: the shorter end of what is observed."""

NEGLIGIBLE = 1e-9
MAX_ENVIRONMENTS = 10_000


def blocked_share(environments: int, load: float) -> float:
    """Return the share of calls that find all environments busy: Erlang's formula B.

    :param load: Calls a second times seconds of each.
    """
    share = 1.0
    for number in range(1, environments + 1):
        share = load * share / (number + load * share)
    return share


def environments_for(load: float, *, blocked: float = 0.01) -> int:
    """Return the number of environments of which at most a share of the calls finds none free; at least one."""
    number, share = 1, blocked_share(1, load)
    while share > blocked and number < MAX_ENVIRONMENTS:
        number += 1
        share = load * share / (number + load * share)
    return number


def cold_share(calls_per_hour: float, *, seconds: float, idle_s: float = KEPT_IDLE_S) -> float:
    """Return the share of calls that are cold.

    :param seconds: Duration of a call.
    :param idle_s: Seconds for which an idle environment is kept.
    """
    rate = calls_per_hour / 3600
    load, share, offered = rate * seconds, 0.0, 1.0
    for number in range(1, MAX_ENVIRONMENTS + 1):
        overflow = load * offered / (number + load * offered)
        served = offered - overflow
        share += served * math.exp(-served * rate * idle_s)
        offered = overflow
        if offered < NEGLIGIBLE:
            break
    return min(1.0, share + offered)
