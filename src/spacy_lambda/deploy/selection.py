"""Functions of a project, by the names that a command line gives; needs nothing that is not in the base install."""

from __future__ import annotations

from collections.abc import Sequence

from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.errors import DeployError

__all__ = ["chosen_functions", "the_function"]


def chosen_functions(project: Project, names: Sequence[str]) -> list[FunctionConfig]:
    """Functions by name; all of them without one.

    :raises DeployError: If the file has no such function.
    """
    known = {function.name: function for function in project.functions}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DeployError(
            f"there is no function {', '.join(map(repr, unknown))}", remedy=f"choose from {', '.join(known)}"
        )
    return [known[name] for name in names] if names else list(project.functions)


def the_function(project: Project, name: str | None) -> FunctionConfig:
    """One function by name; the only one without.

    :raises DeployError: If there is no such function, or it is not told which.
    """
    if name is None and len(project.functions) > 1:
        known = ", ".join(function.name for function in project.functions)
        raise DeployError("the project has several functions", remedy=f"name one of {known}")
    return chosen_functions(project, [name] if name else [])[0]
