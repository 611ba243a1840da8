"""What a million texts cost on Lambda, each in a request of its own, by list prices and figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from spacy_lambda.cdk.prices import price_of
from spacy_lambda.core.lambda_function import Architecture
from spacy_lambda.sizing.cold_starts import KEPT_IDLE_S, cold_share, environments_for
from spacy_lambda.sizing.figures import Figures

__all__ = [
    "MONTH_H",
    "STARTS",
    "FunctionSetting",
    "MissingPrice",
    "PriceLookup",
    "Start",
    "Traffic",
    "lambda_cost",
    "price_lookup",
]

Start = Literal["on-demand", "snapstart", "provisioned"]
"""Treatment of cold starts: none, SnapStart, or provisioned concurrency."""

STARTS: tuple[Start, ...] = get_args(Start)
MILLION = 1e6
MONTH_H = 730
"""Hours of a month."""

PriceLookup = Callable[[str], float]
"""Returns a price in US dollars by its name."""


class MissingPrice(LookupError):
    """A price is not known in a region."""


@dataclass(frozen=True)
class FunctionSetting:
    """Settings of a function on which its cost depends."""

    memory_mb: int
    architecture: Architecture
    start: Start = "on-demand"

    @property
    def memory_gb(self) -> float:
        """Its memory as it is billed."""
        return self.memory_mb / 1024


@dataclass(frozen=True)
class Traffic:
    """Calls of a function.

    :param calls_per_hour: All day and night.
    :param idle_s: Seconds for which an idle environment is kept.
    """

    calls_per_hour: float
    idle_s: float = KEPT_IDLE_S

    @property
    def hours_per_million(self) -> float:
        """Hours that a million calls take to arrive."""
        return MILLION / self.calls_per_hour

    def monthly(self, usd: float) -> float:
        """Return the dollars of a month from those of a million calls."""
        return usd / self.hours_per_million * MONTH_H

    def load(self, ms: float) -> float:
        """Return the calls that run at the same time, on average."""
        return self.calls_per_hour / 3600 * ms / 1000


def price_lookup(region: str) -> PriceLookup:
    """Return the prices of a region.

    :raises MissingPrice: By the returned function, for a price that is not known there.
    """

    def price(name: str) -> float:
        found = price_of(name, region)
        if found is None:
            raise MissingPrice(name)
        return found

    return price


def lambda_cost(figures: Figures, setting: FunctionSetting, traffic: Traffic, price: PriceLookup) -> dict[str, float]:
    """Return the dollars of a million texts, by what is billed.

    Durations are billed by the millisecond, begun ones as whole ones, and inits like durations. A version with
    SnapStart pays for its snapshot all the time, and for each restore; provisioned concurrency pays for as many
    environments as leave one call in a hundred without one.

    :raises MissingPrice: If a price is not known.
    """
    gb, architecture, ms = setting.memory_gb, setting.architecture, figures.ms_at(setting.memory_mb)
    provisioned = setting.start == "provisioned"
    duration = price(f"{'provisioned_duration' if provisioned else ''}_gb_second_{architecture}".removeprefix("_"))
    cost = {
        "requests": price("million_requests"),
        "duration": MILLION * math.ceil(round(ms, 6)) / 1000 * gb * duration,
    }
    seconds = traffic.hours_per_million * 3600
    if provisioned:
        environments = environments_for(traffic.load(ms))
        cost["provisioned concurrency"] = environments * gb * seconds * price(f"provisioned_gb_second_{architecture}")
        return cost
    cold = MILLION * cold_share(traffic.calls_per_hour, seconds=ms / 1000, idle_s=traffic.idle_s)
    if setting.start == "snapstart":
        cost["snapshot"] = gb * seconds * price("snapshot_gb_second")
        cost["restores"] = cold * gb * price("restored_gb")
    else:
        cost["inits"] = cold * figures.init_s_at(setting.memory_mb) * gb * duration
    return cost
