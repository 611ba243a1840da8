"""List prices of AWS in US dollars, by region: ``prices.toml``, the only place with prices, read at the first use."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["REGION", "Price", "as_of", "describe_prices", "price_of", "read_prices", "usd"]

REGION = "us-east-1"
"""The region with every price."""

FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Price:
    """One price.

    :param about: Its subject.
    :param unit: The unit that it is for.
    :param source: The page or the price list that publishes it.
    :param as_of: Its date.
    :param usd: US dollars by region.
    :param copy: Read from a copy of the price list.
    """

    about: str
    unit: str
    source: str
    as_of: str
    usd: Mapping[str, float]
    copy: bool = False


@cache
def read_prices() -> Mapping[str, Price]:
    """Return all prices by name."""
    return {name: Price(**values) for name, values in _read().items() if isinstance(values, dict)}


def as_of() -> str:
    """Return the date since which all of them are known."""
    return str(_read()["as_of"])


def describe_prices(region: str) -> str:
    """Return the prices that :func:`usd` returns for a region, in words."""
    others = "" if region == REGION else f" and, where they are not known, of {REGION}"
    return f"list prices of {region}{others}, {as_of()}"


def price_of(name: str, region: str) -> float | None:
    """Return a price in a region; ``None`` if the file has none."""
    return read_prices()[name].usd.get(region)


def usd(name: str, region: str = REGION) -> float:
    """Return a price in a region, or that of :data:`REGION` if the file has none: others differ by some percent."""
    found = price_of(name, region)
    return read_prices()[name].usd[REGION] if found is None else found


@cache
def _read() -> Mapping[str, object]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
