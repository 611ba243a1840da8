"""List prices in US dollars, by region: ``prices.toml``, the only place with prices, read at the first use."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "FALLBACK_REGION",
    "Price",
    "PriceSource",
    "RegionPrices",
    "as_of",
    "describe_assumed",
    "describe_prices",
    "price_labels",
    "price_of",
    "read_prices",
    "usd",
]

FALLBACK_REGION = "us-east-1"
"""The region with every price."""

FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class PriceSource:
    """The source of a price in some regions.

    :param url: The page or the price list that publishes it.
    :param as_of: Its date.
    :param usd: US dollars by region.
    :param copy: Read from a copy of the price list.
    """

    url: str
    as_of: str
    usd: Mapping[str, float]
    copy: bool = False


@dataclass(frozen=True)
class Price:
    """One price.

    :param label: Its subject, in one or two words.
    :param about: Its subject.
    :param unit: The unit that it is for.
    :param sources: Its sources; each region is in one of them.
    """

    label: str
    about: str
    unit: str
    sources: tuple[PriceSource, ...]

    def source(self, region: str) -> PriceSource | None:
        """Return the source of the price in a region; ``None`` if it is not known there."""
        return next((one for one in self.sources if region in one.usd), None)

    @property
    def regions(self) -> frozenset[str]:
        """The regions in which it is known."""
        return frozenset(region for one in self.sources for region in one.usd)


@dataclass
class RegionPrices:
    """The prices of a region; where one is not known, that of :data:`FALLBACK_REGION`, which is recorded.

    :param region: The region.
    :param assumed: Names of the prices that are those of :data:`FALLBACK_REGION`.
    """

    region: str
    assumed: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> float:
        """Return a price."""
        if price_of(name, self.region) is None and name not in self.assumed:
            self.assumed.append(name)
        return usd(name, self.region)


@cache
def read_prices() -> Mapping[str, Price]:
    """Return all prices by name."""
    return {
        name: Price(**{**values, "sources": tuple(PriceSource(**one) for one in values["sources"])})
        for name, values in _read().items()
        if isinstance(values, dict)
    }


def as_of() -> str:
    """Return when all of them were read."""
    return str(_read()["as_of"])


def describe_prices(region: str) -> str:
    """Return the prices of a region in words."""
    return f"list prices of {region}, {as_of()}"


def describe_assumed(region: str, assumed: Iterable[str]) -> str:
    """Return which prices are those of :data:`FALLBACK_REGION`, as the end of a sentence; empty if none is."""
    labels = ", ".join(price_labels(assumed))
    return f"; those of {FALLBACK_REGION} for what has no known price in {region}: {labels}" if labels else ""


def price_labels(names: Iterable[str]) -> list[str]:
    """Return the subjects of prices, each once."""
    return [*dict.fromkeys(read_prices()[name].label for name in names)]


def price_of(name: str, region: str) -> float | None:
    """Return a price in a region; ``None`` if the file has none."""
    source = read_prices()[name].source(region)
    return None if source is None else source.usd[region]


def usd(name: str, region: str = FALLBACK_REGION) -> float:
    """Return a price in a region, or that of :data:`FALLBACK_REGION` if the file has none: it differs by some percent.

    Whatever shows it to people takes :class:`RegionPrices`, which records the second case.
    """
    price = read_prices()[name]
    (source, where), *_ = [(one, at) for at in (region, FALLBACK_REGION) if (one := price.source(at)) is not None]
    return source.usd[where]


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
