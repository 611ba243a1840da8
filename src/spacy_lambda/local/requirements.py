"""PIPELINE -> the function's requirements for it -> a program that has these and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from spacy_lambda.core.artifact.extract import read_stream_file
from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.env_names import CACHE_LIMIT_VARIABLE, CACHE_VARIABLE, OUTPUT_VARIABLE, PIPELINE_VARIABLE
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.pipeline_meta import read_meta, requirements_of
from spacy_lambda.core.pipelines import find_pipeline, resolve_pipeline
from spacy_lambda.core.source.find import SOURCES, find_artifact
from spacy_lambda.local.settings import TASK_FOLDER, FunctionSettings, Program
from spacy_lambda.packages.task_root import build_task_root
from spacy_lambda.pipeline.config_file import parse_config
from spacy_lambda.pipeline.kind import require_compiled, require_without_torch

CACHE_VARIABLES = (CACHE_VARIABLE, CACHE_LIMIT_VARIABLE)
CONFIG = "config.cfg"
MAX_CONFIG_BYTES = 4 << 20


@dataclass(frozen=True)
class PipelineSource:
    """The location of a pipeline, and the function's requirements for it.

    :param location: An absolute path, or a location in a store: the value of ``SPACY_LAMBDA_PIPELINE``.
    :param requirements: Requirement strings, of ``meta.json`` and of the pipeline's own distribution.
    :param variables: Environment variables with which the function reaches the store, as Lambda would give it a role's.
    """

    location: str
    requirements: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def read_source(pipeline: str | Path) -> PipelineSource:
    """Find a pipeline that a function can run, and read its requirements without loading it.

    :param pipeline: A folder, the name of an installed pipeline package, an artifact, or a location in a store.
    :raises PipelineNotFoundError: If it is none of these, or not a complete pipeline.
    :raises NotCompiledError: If it needs torch, which no function on Lambda has, even if it is installed here.
    :raises StoreError: If the store cannot be reached, or has no such pipeline.
    """
    resolved = resolve_pipeline(pipeline)
    location = resolved.location
    if resolved.has_folder:
        folder = find_pipeline(location.path).resolve()
        require_compiled(folder, name=location.path)
        requirements = requirements_of(read_meta(folder / "meta.json"))
        own = _own_distribution(location.path) if resolved.form == "package" else ()
        digest = "" if location.sha256 is None else f"#sha256={location.sha256}"
        return PipelineSource(f"{folder}{digest}", (*own, *requirements))
    if location.is_local:
        location = replace(location, path=str(Path(location.path).resolve()))
    manifest = _manifest(location, name=str(pipeline))
    requirements = (*SOURCES[location.scheme].requirements, *requirements_of(manifest.pipeline))
    return PipelineSource(str(location), requirements, _variables(location))


@contextmanager
def installed_program(settings: FunctionSettings) -> Iterator[Program]:
    """Prepare the installed distributions that the function needs, in a task root.

    ``-S`` and ``-s`` hide every installed package that is not linked into the task root.

    :param settings: Settings of the function.
    :raises PipelineNotFoundError: If there is no such pipeline.
    :raises RequirementError: If a requirement is not installed.
    """
    with _unpacked(settings.pipeline) as opened:
        pipeline = read_source(opened)
        yield from _program(settings, pipeline)


@contextmanager
def _unpacked(pipeline: str | Path) -> Iterator[str | Path]:
    """Yield the folder of a pipeline in a wheel or a zip, which no function reads; others as they are."""
    if resolve_pipeline(pipeline).form != "archive":
        yield pipeline
        return
    with pipeline_folder(pipeline) as folder:
        require_compiled(folder, name=str(pipeline))
        yield folder


def _program(settings: FunctionSettings, pipeline: PipelineSource) -> Iterator[Program]:
    # Lambda's own runtime has boto3, which only an output needs here.
    output = ("boto3",) if OUTPUT_VARIABLE in settings.environment else ()
    root = build_task_root((*pipeline.requirements, *output), code=settings.code)
    try:
        yield Program(
            command=lambda names: (sys.executable, "-S", "-s", "-m", "awslambdaric"),
            folder=root.path,
            task_root=root.path,
            runtime_dir=root.path / "awslambdaric",
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
            about=f"task root (the function's folder): {root.path}, with {len(root.distributions)} packages",
            variables={PIPELINE_VARIABLE: pipeline.location, **pipeline.variables},
            fixed={"PYTHONPATH": str(root.path)},
            mounts={root.path: TASK_FOLDER},
            reads=tuple({*_link_targets(root.path), *_link_targets_of(pipeline.location)}),
        )
    finally:
        if not settings.keep_task_root:
            root.remove()


def _link_targets(folder: Path) -> Iterator[Path]:
    """Return the folders with the targets of a folder's links, also of those in folders below it.

    So are those of the links in a linked folder: installers such as uv can link each file of a package.
    """
    for entry in os.scandir(folder):
        if entry.is_symlink():
            target = Path(os.path.realpath(entry))  # Path.resolve raises an error for a loop
            yield target.parent
            if target.is_dir():
                yield from (Path(os.path.realpath(one)).parent for one in os.scandir(target) if one.is_symlink())
        elif entry.is_dir():
            yield from _link_targets(Path(entry))


def _link_targets_of(pipeline: str) -> Iterator[Path]:
    """Return the same of a folder of this machine: those in the cache of the Hub have nothing but links."""
    location = parse_location(pipeline)
    if location.is_local and Path(location.path).is_dir():
        yield from _link_targets(Path(location.path))


def _manifest(location: Location, *, name: str) -> Manifest:
    """Return the artifact's manifest, if a function can run its pipeline; the function itself verifies it."""
    with find_artifact(location).open() as stream:
        manifest, config = read_stream_file(stream, CONFIG, max_bytes=MAX_CONFIG_BYTES)
    text = config.decode("utf-8", "replace")
    require_without_torch(parse_config(text, name=f"{CONFIG} of {name}"), name=name)
    return manifest


def _variables(location: Location) -> dict[str, str]:
    source = SOURCES[location.scheme]
    found = {name: os.environ[name] for name in (*CACHE_VARIABLES, *source.variables) if name in os.environ}
    return {**found, **(_credentials() if source.aws_credentials else {})}


def _credentials() -> dict[str, str]:
    """Return this user's AWS credentials, in the variables in which Lambda passes those of a role."""
    import boto3

    credentials = boto3.Session().get_credentials()
    if credentials is None:
        return {}
    frozen = credentials.get_frozen_credentials()
    named = {
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token,
    }
    return {name: value for name, value in named.items() if value}


def _own_distribution(name: str) -> tuple[str, ...]:
    """Return the package's own distribution, whose code may register functions of the pipeline."""
    try:
        return (distribution(name).metadata["Name"],)
    except PackageNotFoundError:
        return ()
