"""A corpus -> a sample of it; the sample, annotated here or by a deployed function -> what a document takes there."""

from __future__ import annotations

import random
import uuid
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_lambda.core.annotation import AnnotateOptions, Counts, Document, read_documents
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.choices import HERE
from spacy_lambda.corpus.engines.local import LocalEngine
from spacy_lambda.corpus.shards import Shard, make_shard
from spacy_lambda.errors import CorpusError

if TYPE_CHECKING:
    from spacy_lambda.corpus.engines.deployed import DeployedFunction

__all__ = ["SAMPLE", "Measured", "Reading", "measure_function", "measure_here", "read_all"]

SAMPLE = 50
WARM_UP = 5


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A corpus that was read to its end, without the shards that are done.

    :param documents: Documents.
    :param unreadable: Documents that cannot be read.
    :param characters: Characters of all texts.
    :param shards: Shards.
    :param sample: Some of the documents, drawn evenly.
    """

    documents: int
    unreadable: int
    characters: int
    shards: int
    sample: tuple[Document, ...]


def read_all(
    shards: Iterable[Shard], *, done: Container[str] = (), sample: int = SAMPLE, on_step: OnStep = no_progress
) -> Reading:
    """Read a corpus to its end, and draw a sample of it, the same one each time.

    :param done: Names of shards that are done.
    :param sample: Maximum number of documents drawn.
    :raises CorpusError: If a file as a whole cannot be read.
    """
    chosen, rng = list[Document](), random.Random(0)
    documents = unreadable = characters = count = 0
    for shard in shards:
        if shard.name in done:
            continue
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


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A sample that was annotated.

    :param place: The place where it was annotated.
    :param documents: Documents that were annotated.
    :param failing: Documents that could not be annotated, which take no time.
    :param words: Their words.
    :param characters: Their characters.
    :param seconds: The time that they took once the pipeline was warm, on one CPU or in one invocation.
    :param overhead_s: The time that each shard takes besides.
    """

    place: str
    documents: int
    failing: int = 0
    words: int
    characters: int
    seconds: float
    overhead_s: float = 0.0

    @property
    def documents_per_second(self) -> float:
        """Documents in a second."""
        return self.documents / self.seconds


def measure_here(sample: tuple[Document, ...], pipeline: Path, options: AnnotateOptions) -> Measured:
    """Annotate a sample with one process on this machine.

    :raises CorpusError: If the pipeline fails, or no document can be annotated.
    """
    for result in LocalEngine(pipeline, options, workers=1).run(_shards(sample), lambda counts: None):
        if result.name == "sample":
            return _measured(HERE, result.counts, result.errors, result.seconds)
    raise AssertionError("the engine yields every shard")


def measure_function(sample: tuple[Document, ...], function: DeployedFunction, options: AnnotateOptions) -> Measured:
    """Annotate a sample with two invocations of a function, as it annotates shards.

    :raises CorpusError: If the function fails, or no document can be annotated.
    """
    from spacy_lambda.corpus.engines.shard_objects import ShardObjects

    objects = ShardObjects(function.session.client("s3"), function.place, f"sample-{uuid.uuid4().hex}")
    for shard in _shards(sample):
        objects.upload(shard)
        try:
            item = objects.item(shard.name, shard.sha256, options, pipeline=function.sha256)
            record = function.invoke({"shard": item})
            result, _ = objects.fetch(shard.name, shard.sha256)
        finally:
            objects.remove([shard.sha256])
    overhead_s = max(0.0, record["billed_ms"] / 1000 - result.seconds)
    return _measured(function.name, result.counts, result.errors, result.seconds, overhead_s)


def _shards(sample: tuple[Document, ...]) -> Iterator[Shard]:
    yield make_shard("warm-up", sample[:WARM_UP])
    yield make_shard("sample", sample)


def _measured(place: str, counts: Counts, errors: bytes, seconds: float, overhead_s: float = 0.0) -> Measured:
    documents = counts.documents - counts.errors
    if not documents:
        error = parse_json(errors.splitlines()[0])["error"]
        raise CorpusError(
            f"none of the {counts.documents:,} documents of the sample could be annotated: {error['errorMessage']}",
            remedy=error.get("remedy", "correct the documents"),
        )
    return Measured(
        place=place,
        documents=documents,
        failing=counts.errors,
        words=counts.words,
        characters=counts.characters or 1,
        seconds=max(seconds, 1e-6),
        overhead_s=overhead_s,
    )
