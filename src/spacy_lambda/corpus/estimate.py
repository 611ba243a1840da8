"""A corpus, and a pipeline or a function -> what annotating would take on each engine, from a measured sample."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from spacy_lambda.cdk.prices import FALLBACK_REGION
from spacy_lambda.core.annotation import AnnotateOptions, Document
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.lambda_limits import MB_PER_VCPU
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.core.request_options import LongText
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.corpus.annotator import compiled_folder, pipeline_folders
from spacy_lambda.corpus.cost import invocation_cost, invocation_prices
from spacy_lambda.corpus.files import Sources, find_files
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.corpus.layout import Layout, make_layout
from spacy_lambda.corpus.pipeline_parts import UNKNOWN_PARTS, PipelineParts
from spacy_lambda.corpus.records import read_records, recorded_groups
from spacy_lambda.corpus.sample import Measured, Reading, measure_function, measure_here, read_all
from spacy_lambda.corpus.settings import read_settings, shard_bytes_of
from spacy_lambda.corpus.shards import SHARD_BYTES, cut_shards
from spacy_lambda.corpus.summary import OnWarning
from spacy_lambda.errors import CorpusError
from spacy_lambda.runtime.cpus import available_cpus

if TYPE_CHECKING:
    from spacy_lambda.corpus.engines.deployed import DeployedFunction

__all__ = ["EngineEstimate", "Estimate", "LambdaSettings", "estimate_corpus", "estimate_here", "estimate_lambda"]

_LOGGER = logging.getLogger(__name__)

COLD_START_S = 2.0


@dataclass(frozen=True, kw_only=True)
class LambdaSettings:
    """Settings of a function on which time and cost depend: by default the settings of a function that is not deployed.

    A CPU of this machine is taken for one of its own, which comes with 1,769 MB of memory: then the price does not
    depend on the memory.

    :param memory_mb: Its memory.
    :param architecture: Its architecture.
    :param concurrency: Maximum concurrent invocations: a tenth of an account's default quota.
    :param region: Its region.
    """

    memory_mb: int = MB_PER_VCPU
    architecture: str = "arm64"
    concurrency: int = 100
    region: str = FALLBACK_REGION


@dataclass(frozen=True, kw_only=True)
class EngineEstimate:
    """Estimate of a run on an engine.

    :param engine: Its name.
    :param seconds: Time.
    :param units: Processes or concurrent invocations.
    :param measured_on: The place where the sample was annotated: this machine, or a function's name.
    :param invocations: Invocations of the function, on Lambda.
    :param cost: Dollars, by list prices, on Lambda.
    :param prices: Description of these list prices.
    :param documents_per_second: Documents in a second of this time, as the progress and the summary of a run have them.
    """

    engine: str
    seconds: float
    units: int
    measured_on: str
    documents_per_second: float = 0.0
    invocations: int | None = None
    cost: float | None = None
    prices: str | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimate of annotating a corpus.

    :param documents: Documents, without those that are annotated already.
    :param unreadable: Documents that cannot be read.
    :param characters: Characters of all texts.
    :param shards: Shards.
    :param sampled: Documents that were annotated for the estimate.
    :param failing: Documents of the sample that could not be annotated.
    :param words_per_document: Words of a document.
    :param documents_per_second: Documents that one CPU, or one invocation of the function, annotates in a second.
    :param engines: The engines.
    """

    documents: int
    unreadable: int
    characters: int
    shards: int
    sampled: int = 0
    failing: int = 0
    words_per_document: float = 0.0
    documents_per_second: float = 0.0
    engines: tuple[EngineEstimate, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as plain values."""
        return asdict(self)


def estimate_corpus(
    sources: Sources,
    destination: StrPath | None = None,
    *,
    pipeline: StrPath | None = None,
    function: str | None = None,
    on_lambda: bool = False,
    include: Iterable[str] = ("ents",),
    labels: Iterable[str] | None = None,
    long_text: LongText = "refuse",
    text_column: str = "text",
    id_column: str | None = None,
    input_format: str | None = None,
    output_format: str | None = None,
    config: StrPath | None = None,
    s3: S3Options = FROM_ENVIRONMENT,
    workers: int | None = None,
    shard_bytes: int | None = None,
    architecture: str = "arm64",
    force: bool = False,
    retry_errors: bool = False,
    on_step: OnStep = no_progress,
    on_warning: OnWarning = _LOGGER.warning,
) -> Estimate:
    """Read a corpus to its end, annotate a sample of it, and estimate what annotating all of it would take.

    The parameters are those of :func:`~spacy_lambda.corpus.annotate`; without a destination, JSON Lines are assumed.
    Documents that the destination has already are left out, unless ``force`` is set. The sample is annotated on this
    machine if the pipeline is given, and by the function if that is, which costs less than a cent.

    :param on_lambda: Annotate the sample with the project's only function if none is named.
    :param architecture: The architecture of a function that is not deployed.
    :param on_step: Called with each step's name, the units done, and their total.
    :raises CorpusError: If the corpus cannot be read, or no document of the sample can be annotated.
    """
    layout = None if destination is None else make_layout(os.fspath(destination), format_name=output_format, s3=s3)
    options = wanted = AnnotateOptions.of(include, labels, long_text)
    if layout is not None:
        options = replace(wanted, include=layout.format.included(wanted.include))
    own = () if layout is None else layout.own
    folders = pipeline_folders(pipeline)
    files = find_files(sources, format_name=input_format, own=own, s3=s3, on_warning=on_warning, left_out=folders)
    folder = None if pipeline is None else compiled_folder(pipeline)
    deployed = _deployed(function, config, s3) if on_lambda or function is not None else None
    known = UNKNOWN_PARTS if deployed is None else deployed.parts
    parts = known if folder is None else PipelineParts.of_folder(folder)
    parts.check(wanted, on_warning)
    begun = None if force else layout
    size = shard_bytes or _shard_bytes(begun, deployed)
    kept = () if begun is None else recorded_groups(begun)
    shards = cut_shards(files, Columns.of(text_column, id_column), shard_bytes=size, kept=kept)
    records = {} if begun is None else read_records(begun)
    done = {name for name, record in records.items() if not (retry_errors and record.counts.errors)}
    reading = read_all(shards, done=done, on_step=on_step)
    on_step("sample", 0, 1)
    measured, engines = list[Measured](), list[EngineEstimate]()
    sample = _texts(reading) if reading.documents else ()
    if sample and folder is not None:
        measured.append(measure_here(sample, folder, options))
        engines += estimate_here(reading, measured[-1], workers=workers or available_cpus())
        if deployed is None:
            engines.append(estimate_lambda(reading, measured[-1], LambdaSettings(architecture=architecture)))
    if sample and deployed is not None:
        measured.append(measure_function(sample, deployed, options))
        engines.append(estimate_lambda(reading, measured[-1], _settings(deployed)))
    on_step("sample", 1, 1)
    return _estimate(reading, measured, engines)


def estimate_here(reading: Reading, measured: Measured, *, workers: int) -> list[EngineEstimate]:
    """Estimate the engines that run on CPUs like this machine's.

    :param workers: Their number.
    """
    seconds = _seconds(reading, measured) / workers
    return [
        EngineEstimate(
            engine=name,
            seconds=seconds,
            units=workers,
            measured_on=measured.place,
            documents_per_second=_rate(reading.documents, seconds),
        )
        for name in ("local", "ray")
    ]


def estimate_lambda(reading: Reading, measured: Measured, settings: LambdaSettings) -> EngineEstimate:
    """Estimate a function."""
    units = min(settings.concurrency, max(1, reading.shards))
    seconds = _seconds(reading, measured) + reading.shards * measured.overhead_s + units * COLD_START_S
    cost = invocation_cost(
        seconds,
        memory_gb=settings.memory_mb / 1024,
        architecture=settings.architecture,
        invocations=reading.shards,
        region=settings.region,
    )
    return EngineEstimate(
        engine="lambda",
        seconds=seconds / units,
        units=units,
        measured_on=measured.place,
        documents_per_second=_rate(reading.documents, seconds / units),
        invocations=reading.shards,
        cost=cost,
        prices=invocation_prices(settings.region, architecture=settings.architecture),
    )


def _estimate(reading: Reading, measured: list[Measured], engines: list[EngineEstimate]) -> Estimate:
    found = Estimate(
        documents=reading.documents,
        unreadable=reading.unreadable,
        characters=reading.characters,
        shards=reading.shards,
        engines=tuple(engines),
    )
    if not measured:
        return found
    one = measured[0]
    return replace(
        found,
        sampled=one.documents,
        failing=one.failing,
        words_per_document=one.words / one.documents,
        documents_per_second=one.documents_per_second,
    )


def _seconds(reading: Reading, measured: Measured) -> float:
    """Return the time that all documents take one after the other: time goes by characters."""
    return measured.seconds * reading.characters / measured.characters


def _rate(documents: int, seconds: float) -> float:
    return documents / seconds if seconds else 0.0


def _texts(reading: Reading) -> tuple[Document, ...]:
    """Return the sample.

    :raises CorpusError: If it has no text.
    """
    if not reading.sample:
        raise CorpusError(
            f"none of the {reading.documents:,} documents has a text",
            remedy="name the column of the texts with --text-column",
        )
    return reading.sample


def _deployed(function: str | None, config: StrPath | None, s3: S3Options) -> DeployedFunction:
    from spacy_lambda.corpus.engines.deployed import find_deployed

    return find_deployed(function, config=config, region=s3.region, profile=s3.profile)


def _shard_bytes(layout: Layout | None, deployed: DeployedFunction | None) -> int:
    begun = None if layout is None else shard_bytes_of(read_settings(layout))
    return begun or (SHARD_BYTES if deployed is None else deployed.shard_bytes)


def _settings(function: DeployedFunction) -> LambdaSettings:
    return LambdaSettings(
        memory_mb=function.memory_mb,
        architecture=function.architecture,
        concurrency=function.concurrency,
        region=function.region,
    )
