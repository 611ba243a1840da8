"""The first file of a project, guessed from its pipeline."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.config.faults import Fault
from spacy_lambda.config.github import STAGING, WORKFLOW_FILE, path_complaint, render_workflow
from spacy_lambda.config.load import absolute_location, make_project
from spacy_lambda.config.template import render_project
from spacy_lambda.config.toml_file import FILE, parse_toml, read_toml
from spacy_lambda.core.artifact.unpack import read_stream_file
from spacy_lambda.core.env_names import PROJECT_VARIABLE
from spacy_lambda.core.files import check_file
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.pipelines import MAX_META_BYTES, find_pipeline, read_meta
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import ConfigError, SpacyLambdaError

__all__ = ["create_project", "require_names"]

FUNCTION = "ner"
UNNAMED = "pipeline"
"""What spaCy calls a pipeline to which nobody gave a name."""

LONGEST_GUESS = 20
"""So that there is room for a stage, and for a region with a long name in the bucket's."""

META = "meta.json"


@dataclass(frozen=True)
class _Guess:
    """What a pipeline says of itself.

    :param project: A name for the project.
    :param function: A name for the function.
    """

    project: str
    function: str = FUNCTION


def create_project(
    pipeline: str,
    out: Path = Path(FILE),
    *,
    name: str | None = None,
    region: str | None = None,
    github: bool = False,
    force: bool = False,
) -> list[Path]:
    """Write ``spacy-lambda.toml``, and if wanted a workflow of GitHub's.

    :param pipeline: A location; a relative folder starts at the current one.
    :param out: The file.
    :param name: The project's; guessed if not given.
    :param region: ``None`` leaves it to the environment.
    :param github: Whether ``.github/workflows/spacy-lambda.yml`` is written too, into the current folder.
    :param force: Whether files that are there are replaced.
    :return: What was written.
    :raises SpacyLambdaError: If there is no such pipeline, a name cannot be, or a file is there; nothing is written.
    """
    location = parse_location(pipeline)
    guess = _guess(location)
    name = guess.project if name is None else name
    text = render_project(
        name=name, function=guess.function, pipeline=_as_seen_from(out.parent, pipeline, location), region=region
    )
    _check(text, out, {"AWS_REGION": region or "eu-central-1"})
    files = {out: text}
    if github:
        _check(text, out, {"AWS_REGION": region or "eu-central-1", PROJECT_VARIABLE: f"{name}-{STAGING}"})
        compiled = location.path if Path(location.path).is_dir() else None
        _check_paths(out, {"--out": out.as_posix(), "--pipeline": compiled or ""})
        files[Path(WORKFLOW_FILE)] = render_workflow(
            project=name,
            config=out.as_posix(),
            compiled=compiled,
            region=region,
        )
    for path in files:
        if path.exists() and not force:
            raise ConfigError(str(path), [Fault("the file", "is there already", "replace it with --force")])
    for path, content in files.items():
        _write(path, content)
    return list(files)


def require_names(file: Path, pipeline: str) -> None:
    """Check that a file that is there is for a pipeline: an earlier try may have written it.

    :param pipeline: A location; a relative folder starts at the current one.
    :raises ConfigError: If it cannot be read, or names other pipelines.
    """
    functions = read_toml(file).get("functions", {})
    tables = functions.values() if isinstance(functions, dict) else ()
    named = [
        table["pipeline"] for table in tables if isinstance(table, dict) and isinstance(table.get("pipeline"), str)
    ]
    folder = file.resolve().parent
    wanted = absolute_location(_as_seen_from(file.parent, pipeline, parse_location(pipeline)), folder)
    if named and wanted not in (absolute_location(one, folder) for one in named):
        raise ConfigError(
            str(file),
            [
                Fault(
                    "the file",
                    f"is there already, and its pipeline is {', '.join(map(repr, named))}",
                    f"leave out --pipeline to deploy that one, or write {pipeline!r} as `pipeline` into the file",
                )
            ],
        )


def _check(text: str, path: Path, environ: Mapping[str, str]) -> None:
    make_project(parse_toml(text, path), path, environ=environ)


def _check_paths(out: Path, paths: Mapping[str, str]) -> None:
    told = {where: path_complaint(path) for where, path in paths.items()}
    faults = [
        Fault(where, what, "give it another name: a workflow reads this one") for where, what in told.items() if what
    ]
    if faults:
        raise ConfigError(str(out), faults)


def _guess(location: Location) -> _Guess:
    path = Path(location.path)
    if location.scheme != "file" or path.is_file() or (path.is_dir() and not (path / META).is_file()):
        meta, title = _stored_meta(location), path.stem if location.is_artifact or path.is_file() else path.name
    else:
        folder = find_pipeline(location.path)
        meta, title = read_meta(folder / META), folder.resolve().name
    if meta is None:
        return _Guess(_name(title))
    named, components = meta.get("name"), meta.get("pipeline")
    title = named if isinstance(named, str) and named != UNNAMED else title
    last = components[-1] if isinstance(components, list) and components else FUNCTION
    has_ner = not isinstance(components, list) or FUNCTION in components
    return _Guess(_name(title), FUNCTION if has_ner else _name(str(last)))


def _stored_meta(location: Location) -> Mapping[str, Any] | None:
    """The ``meta.json`` of an artifact on this machine; of one that is elsewhere, or cannot be read, nothing."""
    if location.scheme != "file":
        return None
    try:
        with find_artifact(location).open() as stream:
            _, data = read_stream_file(stream, META, max_bytes=MAX_META_BYTES)
        meta = parse_json(data)
    except (SpacyLambdaError, ValueError):  # whoever deploys it is told
        return None
    return meta if isinstance(meta, dict) else None


def _name(text: str) -> str:
    """The nearest thing that AWS takes as a name."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).lstrip("0123456789-")
    return plain[:LONGEST_GUESS].strip("-") or FUNCTION


def _as_seen_from(folder: Path, pipeline: str, location: Location) -> str:
    """A relative path, begun at the file instead of the current folder."""
    path = Path(location.path)
    if location.scheme != "file" or path.is_absolute() or not path.exists():
        return pipeline
    relative = Path(os.path.relpath(path, folder)).as_posix()
    moved = relative if relative.startswith("../") else f"./{relative}"
    return pipeline.replace(location.path, moved, 1)


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            check_file(path)
        path.write_text(content, encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise ConfigError(str(path), [Fault("the file", f"cannot be written: {exc}", "choose another --out")]) from exc
