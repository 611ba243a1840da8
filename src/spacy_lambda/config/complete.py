"""Checked settings -> ``Project``: what is left out is the model's default, and relative paths begin at the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy_lambda.config.precedence import Settings
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.location import parse_location

__all__ = ["anchored", "complete"]


def complete(settings: Settings) -> Project:
    """Make the project.

    :param settings: Without faults.
    """
    folder = settings.path.resolve().parent
    return Project(
        **settings.values["project"],
        functions=tuple(_function(name, values, folder) for name, values in settings.values["functions"].items()),
        folder=folder,
    )


def _function(name: str, values: Mapping[str, Any], folder: Path) -> FunctionConfig:
    made = {**values, "pipeline": anchored(values["pipeline"], folder)}
    for key in ("golden", "signed_by"):
        if key in values:
            made[key] = folder / values[key]
    if "cors" in values:
        made["cors"] = tuple(values["cors"])
    if "budget" in values:
        made["budget"] = float(values["budget"])
    return FunctionConfig(name=name, **made)


def anchored(pipeline: str, folder: Path) -> str:
    """A location that means the same from every folder.

    A word without a slash is a package's name, unless it is there beside the file.
    """
    location = parse_location(pipeline)
    if location.scheme != "file":
        return pipeline
    beside = parse_location(str(folder / pipeline))
    is_package = location.path.isidentifier() and not Path(beside.path).exists()
    return pipeline if is_package else str(beside)
