"""The first file of a project, with names that are derived from its pipeline."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy_lambda.config.faults import Fault
from spacy_lambda.config.github import STAGING, WORKFLOW_FILE, path_problem, render_workflow
from spacy_lambda.config.load import absolute_location, make_project
from spacy_lambda.config.template import render_project, with_region
from spacy_lambda.config.toml_file import FILE, parse_toml, read_text, read_toml
from spacy_lambda.core.artifact.extract import read_stream_file
from spacy_lambda.core.env_names import PROJECT_VARIABLE, REGION_VARIABLE
from spacy_lambda.core.files import require_regular_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.pipeline_meta import MAX_META_BYTES, UNNAMED, read_meta
from spacy_lambda.core.pipelines import ARCHIVES, find_pipeline, is_archive, resolve_pipeline
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import ConfigError, LocationError, SpacyLambdaError

__all__ = ["add_region", "create_project", "require_pipeline"]

FUNCTION = "ner"
MAX_NAME_LENGTH = 20
"""Leaves room for a stage, and in the bucket's name for a long region."""

META = "meta.json"


def create_project(
    pipeline: str,
    out: Path = Path(FILE),
    *,
    name: str | None = None,
    region: str | None = None,
    github: bool = False,
    force: bool = False,
) -> list[Path]:
    """Write ``spacy-lambda.toml`` for a pipeline, and optionally a GitHub workflow.

    :param pipeline: A location; a relative folder starts at the current one.
    :param out: Path of the file.
    :param name: Name of the project; derived from the pipeline if ``None``.
    :param region: ``None`` leaves it to the environment.
    :param github: Also write ``.github/workflows/spacy-lambda.yml`` in the current folder.
    :param force: Replace existing files.
    :returns: The files that were written.
    :raises SpacyLambdaError: If there is no such pipeline, a name is invalid, or a file exists.
    """
    if out.parent.exists() and not os.access(out.parent, os.W_OK | os.X_OK):
        raise _fault(out, "cannot be written: its folder is not writable", "choose another path with --out")
    location = parse_location(pipeline)
    title, function = _guess_names(pipeline, location)
    name = title if name is None else name
    text = render_project(
        name=name, function=function, pipeline=_relative_to(out.parent, pipeline, location), region=region
    )
    environ = {"AWS_REGION": region or "eu-central-1"}
    _check(text, out, environ)
    files = {out: text}
    if github:
        _check(text, out, {**environ, PROJECT_VARIABLE: f"{name}-{STAGING}"})
        compiled = location.path if Path(location.path).is_dir() else None
        _check_paths(out, {"--out": out.as_posix(), "--pipeline": compiled or ""})
        workflow = render_workflow(project=name, config=out.as_posix(), compiled=compiled, region=region)
        files[Path(WORKFLOW_FILE)] = workflow
    for path in files:
        if path.exists() and not force:
            raise _fault(path, "exists", "replace it with --force")
    for path, content in files.items():
        _write(path, content)
    return list(files)


def require_pipeline(file: Path, pipeline: str) -> None:
    """Check that an existing file, perhaps of an earlier attempt, has a function with this pipeline.

    :param pipeline: A location; a relative folder starts at the current one.
    :raises ConfigError: If the file cannot be read, or all its pipelines are others.
    """
    functions = read_toml(file).get("functions", {})
    tables = functions.values() if isinstance(functions, dict) else ()
    named = [
        table["pipeline"] for table in tables if isinstance(table, dict) and isinstance(table.get("pipeline"), str)
    ]
    folder = file.resolve().parent
    wanted = absolute_location(_relative_to(file.parent, pipeline, parse_location(pipeline)), folder)
    if named and wanted not in (absolute_location(one, folder) for one in named):
        raise _fault(
            file,
            f"exists, and its pipeline is {', '.join(map(repr, named))}",
            f"leave out --pipeline to deploy that one, or write {pipeline!r} as `pipeline` into the file",
        )


def add_region(file: Path, region: str) -> bool:
    """Write the region into a file that :func:`create_project` wrote without one.

    :returns: False if the file has one, or no commented line for it.
    :raises ConfigError: If the region is invalid, or the file cannot be read or written.
    """
    if "region" in read_toml(file).get("project", {}):
        return False
    before = read_text(file)
    text = with_region(before, region)
    if text == before:
        return False
    _check(text, file, {name: value for name, value in os.environ.items() if name != REGION_VARIABLE})
    _write(file, text)
    return True


def _check(text: str, path: Path, environ: Mapping[str, str]) -> None:
    make_project(parse_toml(text, path), path, environ=environ)


def _check_paths(out: Path, paths: Mapping[str, str]) -> None:
    remedy = "rename it: the workflow contains this path"
    faults = [Fault(flag, problem, remedy) for flag, path in paths.items() if (problem := path_problem(path))]
    if faults:
        raise ConfigError(str(out), faults)


def _guess_names(pipeline: str, location: Location) -> tuple[str, str]:
    """Return a name for the project and one for its function, by the pipeline's own name and its last component."""
    meta: Mapping[str, Any]
    if location.is_local and Path(location.path).is_file() and not is_archive(location.path):
        raise LocationError(
            f"{location.path} is not a pipeline: a file ends in {', '.join(ARCHIVES)}",
            remedy="give a pipeline folder, an installed package, an artifact, a wheel, a zip or a location",
        )
    if resolve_pipeline(pipeline).has_folder:
        folder = find_pipeline(location.path)
        meta, title = read_meta(folder / META), folder.resolve().name
    else:
        path = Path(location.path)
        meta, title = _stored_meta(location), path.stem if location.is_artifact or path.is_file() else path.name
    own = meta.get("name")
    if isinstance(own, str) and own != UNNAMED:
        title = own
    components = meta.get("pipeline")
    if not isinstance(components, list) or not components or FUNCTION in components:
        components = [FUNCTION]
    return _aws_name(title), _aws_name(str(components[-1]))


def _stored_meta(location: Location) -> Mapping[str, Any]:
    """Return the ``meta.json`` of a local artifact; empty if it is remote, or unreadable, which ``deploy`` reports."""
    if not location.is_local:
        return {}
    try:
        with find_artifact(location).open() as stream:
            _, data = read_stream_file(stream, META, max_bytes=MAX_META_BYTES)
        meta = parse_json(data)
    except (SpacyLambdaError, ValueError):
        return {}
    return meta if isinstance(meta, dict) else {}


def _aws_name(text: str) -> str:
    """Return the most similar name that is valid in AWS."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).lstrip("0123456789-")
    return plain[:MAX_NAME_LENGTH].strip("-") or FUNCTION


def _relative_to(folder: Path, pipeline: str, location: Location) -> str:
    """Return a location whose relative path starts at a folder instead of the current one."""
    path = Path(location.path)
    if not location.is_local or path.is_absolute() or not path.exists():
        return pipeline
    relative = Path(os.path.relpath(path, folder)).as_posix()
    moved = relative if relative.startswith("../") else f"./{relative}"
    return pipeline.replace(location.path, moved, 1)


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            require_regular_file(path)
        path.write_text(content, encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise _fault(
            path, f"cannot be written: {system_reason(exc)}", "choose another path with --out, or check the space there"
        ) from exc


def _fault(path: Path, problem: str, remedy: str) -> ConfigError:
    return ConfigError(str(path), [Fault("the file", problem, remedy)])
