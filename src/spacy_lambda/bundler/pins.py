"""A pipeline's requirements -> the versions that are installed here, for another Python and architecture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution

from packaging.utils import canonicalize_name

from spacy_lambda.bundler.slim import LEFT_OUT
from spacy_lambda.bundler.target import Target
from spacy_lambda.packages.closure import requirement_closure

__all__ = ["OURS", "Pin", "left_out", "pin_all", "pin_requirements"]

OURS = "spacy-lambda"
"""Taken from where it is installed: the function runs the very code that compiled the pipeline."""


@dataclass(frozen=True, order=True)
class Pin:
    """One distribution of the bundle.

    :param name: In its normal form.
    :param version: As it is installed here.
    """

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def pin_requirements(requirements: Iterable[str], target: Target) -> tuple[tuple[Pin, ...], Distribution]:
    """Follow requirements through what is installed here, as far as the function needs it.

    :param requirements: Of the pipeline.
    :returns: What is fetched as wheels, sorted; and spacy-lambda itself.
    :raises LocalLambdaError: If a requirement is not installed here.
    """
    wanted = tuple(requirements)
    without = left_out(wanted, target.markers)
    found = requirement_closure((OURS, *wanted), markers=target.markers, without=without)
    ours = next(dist for dist in found if canonicalize_name(dist.metadata["Name"]) == OURS)
    return _pins(dist for dist in found if dist is not ours), ours


def left_out(requirements: Iterable[str], markers: Mapping[str, str] | None = None) -> frozenset[str]:
    """Normal names of the distributions that spaCy requires and a function does without.

    What the pipeline requires by itself, it may use: ``requests`` for its own code, for example.

    :param requirements: Of the pipeline.
    :param markers: The environment in which markers are evaluated; by default this interpreter's.
    :raises LocalLambdaError: If a requirement is not installed here.
    """
    base = {canonicalize_name(dist.metadata["Name"]) for dist in requirement_closure((OURS,), markers=markers)}
    there = base - LEFT_OUT.keys()
    own = requirement_closure(requirements, markers=markers, without=there)
    return frozenset(LEFT_OUT.keys() - {canonicalize_name(dist.metadata["Name"]) for dist in own})


def pin_all(requirements: Iterable[str], target: Target) -> tuple[Pin, ...]:
    """The same for what is not the function's: everything that is required.

    :raises LocalLambdaError: If a requirement is not installed here.
    """
    return _pins(requirement_closure(requirements, markers=target.markers))


def _pins(distributions: Iterable[Distribution]) -> tuple[Pin, ...]:
    return tuple(sorted(Pin(canonicalize_name(dist.metadata["Name"]), dist.version) for dist in distributions))
