"""A corpus and a pipeline -> what annotating would take on each engine, from a sample that is annotated here."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from spacy_lambda.core.annotation import AnnotateOptions, Document, read_documents
from spacy_lambda.core.lambda_limits import MB_PER_VCPU
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.core.request_options import LongText
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.annotator import compiled_folder
from spacy_lambda.corpus.cost import invocation_cost
from spacy_lambda.corpus.engines.local import LocalEngine
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.corpus.files import Sources, find_files
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.corpus.layout import make_layout
from spacy_lambda.corpus.pipeline_parts import PipelineParts
from spacy_lambda.corpus.shards import SHARD_BYTES, Shard, cut_shards, make_shard
from spacy_lambda.corpus.summary import OnWarning
from spacy_lambda.errors import CorpusError
from spacy_lambda.runtime.cpus import available_cpus

__all__ = ["SAMPLE", "EngineEstimate", "Estimate", "Reading", "estimate", "estimate_corpus", "read_all"]

_LOGGER = logging.getLogger(__name__)

SAMPLE = 50
WARM_UP = 5
CONCURRENCY = 100
"""Concurrent invocations that the estimate for Lambda assumes: a tenth of an account's default quota."""

COLD_START_S = 2.0


@dataclass(frozen=True, kw_only=True)
class EngineEstimate:
    """Estimate of a run on an engine.

    :param engine: Its name.
    :param seconds: Time.
    :param units: Processes or concurrent invocations.
    :param invocations: Invocations of the function, on Lambda.
    :param cost: Dollars, by list prices, on Lambda.
    """

    engine: str
    seconds: float
    units: int
    invocations: int | None = None
    cost: float | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A corpus that was read to its end.

    :param documents: Documents.
    :param unreadable: Those that cannot be read.
    :param characters: Characters of all texts.
    :param shards: Shards.
    :param sample: Some of the documents, drawn evenly.
    """

    documents: int
    unreadable: int
    characters: int
    shards: int
    sample: tuple[Document, ...]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimate of annotating a corpus.

    :param documents: Documents.
    :param unreadable: Those that cannot be read.
    :param characters: Characters of all texts.
    :param shards: Shards.
    :param sampled: Documents that were annotated for the estimate.
    :param failing: Documents of the sample that could not be annotated.
    :param words_per_document: Words of a document.
    :param documents_per_second: Documents that one CPU of this machine annotates in a second.
    :param engines: The engines.
    """

    documents: int
    unreadable: int
    characters: int
    shards: int
    sampled: int
    failing: int
    words_per_document: float
    documents_per_second: float
    engines: tuple[EngineEstimate, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as plain values."""
        return asdict(self)


def estimate_corpus(
    sources: Sources,
    destination: str | os.PathLike[str] | None = None,
    *,
    pipeline: str | Path,
    include: Iterable[str] = ("ents",),
    labels: Iterable[str] | None = None,
    long_text: LongText = "refuse",
    text_column: str = "text",
    id_column: str | None = None,
    input_format: str | None = None,
    output_format: str | None = None,
    s3: S3Options = FROM_ENVIRONMENT,
    workers: int | None = None,
    shard_bytes: int = SHARD_BYTES,
    architecture: str = "arm64",
    on_step: OnStep = no_progress,
    on_warning: OnWarning = _LOGGER.warning,
) -> Estimate:
    """Read a corpus to its end, annotate a sample of it, and estimate what annotating all of it would take.

    The parameters are those of :func:`~spacy_lambda.corpus.annotate`; without a destination, JSON Lines are assumed.
    Nothing is written, and nothing costs money.

    :raises CorpusError: If the corpus cannot be read, or has no text.
    """
    wanted = AnnotateOptions.of(include, labels, long_text)
    options, own = wanted, tuple[str, ...]()
    if destination is not None:
        layout = make_layout(os.fspath(destination), format_name=output_format, s3=s3)
        options, own = replace(wanted, include=layout.format.included(wanted.include)), layout.own
    files = find_files(sources, format_name=input_format, own=own, s3=s3)
    folder = compiled_folder(pipeline)
    parts = PipelineParts.of_folder(folder)
    parts.check_labels(wanted.labels or ())
    if (missing := parts.missing(wanted.include)) is not None:
        on_warning(missing)
    columns = Columns.of(text_column, id_column)
    reading = read_all(cut_shards(files, columns, shard_bytes=shard_bytes), on_step=on_step)
    on_step("sample", 0, 1)
    found = estimate(reading, folder, options, workers=workers or available_cpus(), architecture=architecture)
    on_step("sample", 1, 1)
    return found


def read_all(shards: Iterable[Shard], *, sample: int = SAMPLE, on_step: OnStep = no_progress) -> Reading:
    """Read a corpus to its end, and draw a sample of it, the same one each time.

    :param sample: Maximum number of documents drawn.
    :raises CorpusError: If a file as a whole cannot be read.
    """
    chosen, rng = list[Document](), random.Random(0)
    documents = unreadable = characters = count = 0
    for shard in shards:
        count += 1
        on_step("reading", count, count + 1)
        for document in read_documents(shard.lines.splitlines()):
            documents += 1
            if document.error is not None or not isinstance(document.text, str):
                unreadable += 1
                continue
            characters += len(document.text)
            readable = documents - unreadable
            if len(chosen) < sample:
                chosen.append(document)
            elif (place := rng.randrange(readable)) < sample:
                chosen[place] = document
    on_step("reading", count, count)
    return Reading(
        documents=documents, unreadable=unreadable, characters=characters, shards=count, sample=tuple(chosen)
    )


def estimate(
    reading: Reading, pipeline: Path, options: AnnotateOptions, *, workers: int, architecture: str = "arm64"
) -> Estimate:
    """Annotate the sample with one process, and extrapolate by characters.

    For Lambda, a CPU of this machine is taken for one of Lambda's, which comes with 1,769 MB of memory: then the price
    does not depend on the memory.

    :param workers: Number of processes on this machine.
    :param architecture: The function's.
    :raises CorpusError: If there is nothing to annotate, or the pipeline fails, on all of the sample too.
    """
    if not reading.sample:
        raise CorpusError(
            f"none of the {reading.documents:,} documents has a text",
            remedy="name the column of the texts with --text-column",
        )
    result = _measure(reading.sample, pipeline, options)
    counts, seconds = result.counts, result.seconds
    annotated = counts.documents - counts.errors
    if not annotated:
        raise _all_failed(result)
    total_s = seconds * reading.characters / (counts.characters or 1)
    on_lambda = total_s + reading.shards * COLD_START_S * min(1.0, CONCURRENCY / max(1, reading.shards))
    units = min(CONCURRENCY, max(1, reading.shards))
    cost = invocation_cost(
        on_lambda, memory_gb=MB_PER_VCPU / 1024, architecture=architecture, invocations=reading.shards
    )
    return Estimate(
        documents=reading.documents,
        unreadable=reading.unreadable,
        characters=reading.characters,
        shards=reading.shards,
        sampled=annotated,
        failing=counts.errors,
        words_per_document=counts.words / annotated,
        documents_per_second=annotated / seconds,
        engines=(
            EngineEstimate(engine="local", seconds=total_s / workers, units=workers),
            EngineEstimate(
                engine="lambda", seconds=on_lambda / units, units=units, invocations=reading.shards, cost=cost
            ),
        ),
    )


def _measure(sample: tuple[Document, ...], pipeline: Path, options: AnnotateOptions) -> ShardResult:
    """Return the result of the sample, for which a process with one CPU is warm."""

    def shards() -> Iterator[Shard]:
        yield make_shard("warm-up", sample[:WARM_UP])
        yield make_shard("sample", sample)

    for result in LocalEngine(pipeline, options, workers=1).run(shards(), lambda counts: None):
        if result.name == "sample":
            return result
    raise AssertionError("the engine yields every shard")


def _all_failed(result: ShardResult) -> CorpusError:
    error = parse_json(result.errors.splitlines()[0])["error"]
    return CorpusError(
        f"none of the {result.counts.documents:,} documents of the sample could be annotated: {error['errorMessage']}",
        remedy=error.get("remedy", "correct the documents"),
    )
