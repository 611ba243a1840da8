"""A pipeline's requirements -> the versions that are installed here, for another Python and architecture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution

from packaging.utils import canonicalize_name

from spacy_lambda.bundler.target import Target
from spacy_lambda.packages.base_install import OURS, left_out
from spacy_lambda.packages.closure import requirement_closure

__all__ = ["Pin", "pin_all", "pin_requirements"]


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
    :raises RequirementError: If a requirement is not installed here.
    """
    wanted = tuple(requirements)
    without = left_out(wanted, target.markers)
    found = requirement_closure((OURS, *wanted), markers=target.markers, without=without)
    ours = next(dist for dist in found if canonicalize_name(dist.metadata["Name"]) == OURS)
    return _pins(dist for dist in found if dist is not ours), ours


def pin_all(requirements: Iterable[str], target: Target) -> tuple[Pin, ...]:
    """The same for what is not the function's: everything that is required.

    :raises RequirementError: If a requirement is not installed here.
    """
    return _pins(requirement_closure(requirements, markers=target.markers))


def _pins(distributions: Iterable[Distribution]) -> tuple[Pin, ...]:
    return tuple(sorted(Pin(canonicalize_name(dist.metadata["Name"]), dist.version) for dist in distributions))
