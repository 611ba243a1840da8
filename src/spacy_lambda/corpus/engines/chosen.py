"""The engine that the user chooses, and what a run must know of it before its settings are complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.corpus.annotator import compiled_folder
from spacy_lambda.corpus.choices import EngineName
from spacy_lambda.corpus.engines.local import LocalEngine
from spacy_lambda.corpus.engines.pipeline_snapshot import PipelineSnapshot
from spacy_lambda.corpus.engines.protocol import Engine
from spacy_lambda.corpus.pipeline_parts import PipelineParts
from spacy_lambda.corpus.shards import SHARD_BYTES
from spacy_lambda.corpus.summary import OnStates
from spacy_lambda.errors import CorpusError
from spacy_lambda.runtime.cpus import available_cpus

__all__ = ["ChosenEngine", "choose_engine", "runs_on_lambda"]


@dataclass(frozen=True)
class ChosenEngine:
    """An engine that is not made yet.

    :param pipeline: Digest of its pipeline.
    :param parts: Parts of a Doc that its pipeline sets.
    :param shard_bytes: Size of a shard that suits it.
    :param make: Makes it, with the options, the run's name and a callback for the states of shards.
    :param temporary: URL below which objects do not stay.
    """

    pipeline: str
    parts: PipelineParts
    shard_bytes: int
    make: Callable[[AnnotateOptions, str, OnStates], Engine]
    temporary: str | None = None


def choose_engine(
    on: EngineName | Engine | None,
    *,
    pipeline: StrPath | None = None,
    function: str | None = None,
    config: StrPath | None = None,
    aws: S3Options = FROM_ENVIRONMENT,
    workers: int | None = None,
    ray_address: str | None = None,
) -> ChosenEngine:
    """Choose an engine. For parameters see :func:`~spacy_lambda.corpus.annotate`.

    :raises CorpusError: If it is unknown, or if its pipeline or its function is missing.
    :raises NotCompiledError: If the pipeline needs torch.
    """
    if runs_on_lambda(on, pipeline=pipeline, function=function):
        return _on_lambda(function, config, aws)
    on = on or "local"
    if pipeline is None:
        raise CorpusError("the pipeline is missing", remedy="pass --pipeline, or --function for a deployed function")
    folder = compiled_folder(pipeline)
    snapshot = PipelineSnapshot.of(folder)

    def make(options: AnnotateOptions, run: str, on_states: OnStates) -> Engine:
        return _here(on, snapshot, options, workers, ray_address) if isinstance(on, str) else on

    return ChosenEngine(str(snapshot.digest), PipelineParts.of_folder(folder), SHARD_BYTES, make)


def runs_on_lambda(
    on: EngineName | Engine | None, *, pipeline: StrPath | None = None, function: str | None = None
) -> bool:
    """Return whether a choice is a deployed function.

    :raises CorpusError: If it has both a pipeline and a function.
    """
    on_lambda = on == "lambda" or (on is None and function is not None)
    if on_lambda and pipeline is not None:
        raise CorpusError("on Lambda, the pipeline is the function's", remedy="pass --function instead of --pipeline")
    if pipeline is not None and function is not None:
        raise CorpusError(
            f"the function {function!r} has no use on this engine",
            remedy="leave out --function, or --pipeline and --on",
        )
    return on_lambda


def _here(
    name: EngineName, pipeline: PipelineSnapshot, options: AnnotateOptions, workers: int | None, ray_address: str | None
) -> Engine:
    if name == "local":
        return LocalEngine(pipeline.folder, options, workers=workers or available_cpus(), check_pipeline=pipeline.check)
    if name == "ray":
        from spacy_lambda.corpus.engines.ray import RayEngine

        return RayEngine(pipeline.folder, options, workers=workers, address=ray_address, check_pipeline=pipeline.check)
    raise CorpusError(f"unknown engine {name!r}", remedy=f"choose from {', '.join(get_args(EngineName))}")


def _on_lambda(function: str | None, config: StrPath | None, aws: S3Options) -> ChosenEngine:
    from spacy_lambda.corpus.engines.aws_lambda import LambdaEngine
    from spacy_lambda.corpus.engines.deployed import find_deployed

    deployed = find_deployed(function, config=config, region=aws.region, profile=aws.profile)

    def make(options: AnnotateOptions, run: str, on_states: OnStates) -> Engine:
        return LambdaEngine(deployed, options, run=run, on_states=on_states)

    return ChosenEngine(str(deployed.sha256), deployed.parts, deployed.shard_bytes, make, deployed.temporary)
