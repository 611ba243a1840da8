"""Functions of a project by name. It needs the base install only."""

from __future__ import annotations

from collections.abc import Sequence

from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.errors import DeployError

__all__ = ["chosen_function", "chosen_functions"]


def chosen_functions(project: Project, names: Sequence[str]) -> list[FunctionConfig]:
    """Return functions by name; all of them without a name.

    :raises DeployError: If the file has no such function.
    """
    known = {function.name: function for function in project.functions}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DeployError(
            f"unknown {'functions' if len(unknown) > 1 else 'function'} {', '.join(map(repr, unknown))}",
            remedy=f"choose from {', '.join(known)}",
        )
    return [known[name] for name in names] if names else list(project.functions)


def chosen_function(project: Project, name: str | None) -> FunctionConfig:
    """Return one function by name; the only one without a name.

    :raises DeployError: If there is no such function, or the project has several and no name is given.
    """
    if name is None and len(project.functions) > 1:
        known = ", ".join(function.name for function in project.functions)
        raise DeployError(f"the project has {len(project.functions)} functions", remedy=f"pass one of {known}")
    return chosen_functions(project, [name] if name else [])[0]
