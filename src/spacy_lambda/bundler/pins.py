"""A pipeline's requirements -> the versions that are installed here, resolved for the target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution

from packaging.utils import canonicalize_name

from spacy_lambda.bundler.target import Target
from spacy_lambda.packages.base_install import SPACY_LAMBDA, left_out
from spacy_lambda.packages.closure import requirement_closure

__all__ = ["Pin", "pin_all", "pin_requirements"]


@dataclass(frozen=True, order=True)
class Pin:
    """One distribution of the bundle.

    :param name: In its normal form.
    :param version: As installed here.
    """

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def pin_requirements(requirements: Iterable[str], target: Target) -> tuple[tuple[Pin, ...], Distribution]:
    """Pin all requirements of the function, following requirements through the installed distributions.

    :param requirements: Of the pipeline.
    :returns: The pins, sorted; and spacy-lambda itself, which is copied and not fetched.
    :raises RequirementError: If a requirement is not installed here.
    """
    required = tuple(requirements)
    without = left_out(required, target.markers)
    found = requirement_closure((SPACY_LAMBDA, *required), markers=target.markers, without=without)
    spacy_lambda = next(dist for dist in found if canonicalize_name(dist.metadata["Name"]) == SPACY_LAMBDA)
    return _pins(dist for dist in found if dist is not spacy_lambda), spacy_lambda


def pin_all(requirements: Iterable[str], target: Target) -> tuple[Pin, ...]:
    """Pin all requirements.

    :raises RequirementError: If a requirement is not installed here.
    """
    return _pins(requirement_closure(requirements, markers=target.markers))


def _pins(distributions: Iterable[Distribution]) -> tuple[Pin, ...]:
    return tuple(sorted(Pin(canonicalize_name(dist.metadata["Name"]), dist.version) for dist in distributions))
