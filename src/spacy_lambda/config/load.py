"""``spacy-lambda.toml`` -> :class:`~spacy_lambda.config.project.Project`.

::

    file ──toml_file──▶ values ──precedence──▶ values ──schema──▶ valid values ──load──▶ Project
             TOML                 flags and             every                   defaults,
                                  environment           fault                   absolute paths

No stage reads from AWS, a store or a pipeline: ``deploy`` does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.cdk.source_settings import make_source
from spacy_lambda.config.faults import Fault, toml_key
from spacy_lambda.config.precedence import override
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.config.toml_file import FILE, read_toml
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import ConfigError, LocationError

__all__ = ["absolute_location", "load_project", "make_project"]


def load_project(
    path: StrPath | None = None, *, region: str | None = None, environ: Mapping[str, str] | None = None
) -> Project:
    """Load the project's file.

    :param path: ``None`` for ``spacy-lambda.toml`` in the current folder.
    :param region: Value of ``--region``; it overrides all other sources.
    :param environ: ``None`` for this process's environment.
    :raises ConfigError: If the file cannot be read, or has faults; it lists all of them.
    """
    path = Path(FILE if path is None else path)
    return make_project(read_toml(path), path, region=region, environ=os.environ if environ is None else environ)


def make_project(
    values: Mapping[str, Any], path: Path, *, region: str | None = None, environ: Mapping[str, str]
) -> Project:
    """Make a project of the values of a file, as :func:`load_project` does.

    :param values: As TOML has them; they are not changed.
    :param path: Path of the file.
    :raises ConfigError: If they have faults.
    """
    from spacy_lambda.config.schema import validate_file  # imports pydantic

    overridden, sources = override(values, region=region, environ=environ)
    valid, faults = validate_file(overridden)
    if faults:
        raise ConfigError(str(path), [fault._replace(key=sources.get(fault.key, fault.key)) for fault in faults])
    functions = tuple(_function(name, keys, path) for name, keys in valid["functions"].items())
    return Project(**valid["project"], functions=functions, folder=path.resolve().parent)


def _function(name: str, keys: Mapping[str, Any], path: Path) -> FunctionConfig:
    folder = path.resolve().parent
    absolute: dict[str, Any] = {
        key: folder / value if isinstance(value, Path) else value for key, value in keys.items()
    }
    try:
        pipeline = absolute_location(keys["pipeline"], folder)
    except LocationError as exc:  # too long together with the folder
        fault = Fault(toml_key("functions", name, "pipeline"), f"is not a location: {exc.message}", exc.remedy)
        raise ConfigError(str(path), [fault]) from exc
    sources = tuple(map(make_source, keys.get("sources", ())))
    bulk = BulkConfig(**keys["bulk"]) if "bulk" in keys else None
    return FunctionConfig(name=name, **{**absolute, "pipeline": pipeline, "sources": sources, "bulk": bulk})


def absolute_location(pipeline: str, folder: Path) -> str:
    """Return a location that is valid in every folder.

    A word without a slash is a package's name, unless a file or folder of that name is next to the project's file.

    :param folder: Folder of that file.
    """
    location = parse_location(pipeline)
    if not location.is_local:
        return pipeline
    in_folder = parse_location(str(folder / pipeline))
    is_package = location.path.isidentifier() and not Path(in_folder.path).exists()
    return pipeline if is_package else str(in_folder)
