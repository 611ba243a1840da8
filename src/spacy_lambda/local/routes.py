"""What is to be served: functions, and where on the server each of them is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from spacy_lambda.core.env_names import COMPARE_VARIABLE
from spacy_lambda.local.program import Program
from spacy_lambda.local.settings import FunctionSettings

__all__ = ["COMPARE_PATH", "Deployment", "side_by_side"]

COMPARE_PATH = "/compare/"
COMPARE_SUFFIX = "-compare"


@dataclass(frozen=True)
class Deployment:
    """A function that is to be served.

    :param settings: The function.
    :param program: What its environments run; without it, what is installed here, as far as the pipeline needs it.
    """

    settings: FunctionSettings
    program: Program | None = None


def side_by_side(first: Deployment, second: Deployment) -> dict[str, Deployment]:
    """Two functions for one server; the first one's page can compare itself with the second.

    The second is named after the first, and is below ``/compare/``.
    """
    environment = {COMPARE_VARIABLE: COMPARE_PATH.lstrip("/"), **first.settings.environment}
    name = first.settings.name + COMPARE_SUFFIX
    return {
        "/": replace(first, settings=replace(first.settings, environment=environment)),
        COMPARE_PATH: replace(second, settings=replace(second.settings, name=name)),
    }
