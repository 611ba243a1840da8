"""A corpus, a pipeline and an engine -> the annotated corpus."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal, get_args

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.core.artifact.integrity import folder_digest
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.request_options import LongText
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.annotator import pipeline_folder
from spacy_lambda.corpus.engines.local import LocalEngine
from spacy_lambda.corpus.engines.protocol import Engine, ShardResult
from spacy_lambda.corpus.files import CorpusFile, find_files
from spacy_lambda.corpus.finish import finish
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.corpus.layout import Layout, make_layout
from spacy_lambda.corpus.records import RunSettings, ShardRecord, begin_run, write_record
from spacy_lambda.corpus.shards import SHARD_BYTES, Shard, cut_shards
from spacy_lambda.corpus.summary import OnProgress, Progress, Summary, no_progress
from spacy_lambda.errors import CorpusError
from spacy_lambda.pipeline.kind import require_compiled
from spacy_lambda.runtime.cpus import available_cpus

__all__ = ["EngineName", "OnError", "annotate"]

EngineName = Literal["local", "ray"]
OnError = Literal["skip", "stop"]


def annotate(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    destination: str | os.PathLike[str],
    *,
    pipeline: str | Path,
    on: EngineName | Engine = "local",
    include: Iterable[str] = ("ents",),
    labels: Iterable[str] | None = None,
    long_text: LongText = "refuse",
    on_error: OnError = "skip",
    text_column: str = "text",
    id_column: str | None = None,
    input_format: str | None = None,
    output_format: str | None = None,
    workers: int | None = None,
    ray_address: str | None = None,
    s3: S3Options = FROM_ENVIRONMENT,
    shard_bytes: int = SHARD_BYTES,
    force: bool = False,
    on_progress: OnProgress = no_progress,
) -> Summary:
    """Annotate a corpus. Called again with the same arguments after an interruption, it resumes.

    :param sources: Files, folders and patterns, here or in S3, or ``-`` for standard input.
    :param destination: A folder, or one file, here or in S3.
    :param pipeline: The compiled pipeline: its folder, installed package, artifact or location.
    :param on: The engine, by its name, or one of your own.
    :param include: Parts of a Doc, as in a request.
    :param labels: Labels of the entities and spans to keep.
    :param long_text: Treatment of texts over the limit.
    :param on_error: ``skip`` writes documents with an error to the output's file of errors, ``stop`` raises the first.
    :param text_column: The column or key of the texts.
    :param id_column: The column or key of the identifiers.
    :param input_format: The format of the sources, if their names do not show it.
    :param output_format: The format of the output, if its name does not show it.
    :param workers: Number of processes; by default one for each CPU.
    :param ray_address: Address of a Ray cluster; by default Ray is started on this machine.
    :param s3: Options of S3.
    :param shard_bytes: Size at which a shard ends.
    :param force: Replace what is at the destination, and results of other settings.
    :param on_progress: Called with the figures so far.
    :raises CorpusError: If the corpus cannot be read, or the destination has other results.
    :raises StoreError: If S3 cannot be reached or denies access.
    :raises NotCompiledError: If the pipeline needs torch.
    """
    folder = pipeline_folder(pipeline)
    require_compiled(folder, name=os.fspath(pipeline))
    layout = make_layout(os.fspath(destination), format_name=output_format, s3=s3)
    options = AnnotateOptions(
        include=layout.format.included(include), labels=None if labels is None else tuple(labels), long_text=long_text
    )
    named = [sources] if isinstance(sources, str | os.PathLike) else sources
    files = find_files([os.fspath(one) for one in named], format_name=input_format, own=layout.own, s3=s3)
    columns = Columns(text=text_column, id=id_column or "id", explicit_id=id_column is not None)
    settings = RunSettings(_identity(folder), options, text_column, columns.id, shard_bytes)
    engine = _engine(on, folder, options, workers, ray_address) if isinstance(on, str) else on
    done = begin_run(layout, settings, force=force)
    shards = cut_shards(files, columns, shard_bytes=shard_bytes)
    return _Run(layout, files, columns, on_error, on_progress).all(engine, shards, done)


def _engine(
    name: EngineName, pipeline: Path, options: AnnotateOptions, workers: int | None, ray_address: str | None
) -> Engine:
    if name == "local":
        return LocalEngine(pipeline, options, workers=workers or available_cpus())
    if name == "ray":
        from spacy_lambda.corpus.engines.ray import RayEngine

        return RayEngine(pipeline, options, workers=workers, address=ray_address)
    raise CorpusError(f"unknown engine {name!r}", remedy=f"choose from {', '.join(get_args(EngineName))}")


def _identity(folder: Path) -> str:
    return str(folder_digest(folder, manifest_of(folder)))


class _Run:
    """A run in progress."""

    def __init__(
        self,
        layout: Layout,
        files: Sequence[CorpusFile],
        columns: Columns,
        on_error: OnError,
        on_progress: OnProgress,
    ) -> None:
        self._layout, self._files, self._columns = layout, files, columns
        sizes = [file.size for file in files]
        self._total = None if None in sizes else sum(size for size in sizes if size is not None)
        self._on_error = on_error
        self._on_progress = on_progress
        self._digests: dict[str, Digest] = {}
        self._resumed, self._read = 0, 0
        self._now = Counts()
        self._lock = threading.Lock()

    def all(self, engine: Engine, shards: Iterator[Shard], done: Mapping[str, ShardRecord]) -> Summary:
        """Annotate what is missing, and make the output."""
        began = time.monotonic()
        records = dict(done)
        with closing(engine.run(self._missing(shards, done), self._add)) as results:
            for result in results:
                records[result.name] = self._write(result)
        missing = sorted(done.keys() - self._digests.keys())
        if missing:
            raise self._changed(f"{len(missing)} shards, such as {missing[0]}, are missing from the corpus")
        ordered = [records[name] for name in self._digests]
        errors = finish(self._layout, ordered, self._files, self._columns)
        counts = Counts()
        for record in ordered:
            counts.add(record.counts)
        return Summary(
            destination=self._layout.name,
            counts=counts,
            resumed=self._resumed,
            shards=len(ordered),
            seconds=time.monotonic() - began,
            errors_file=errors,
        )

    def _missing(self, shards: Iterator[Shard], done: Mapping[str, ShardRecord]) -> Iterator[Shard]:
        """Yield the shards that are not done.

        :raises CorpusError: If one that is done had other documents.
        """
        for shard in shards:
            self._digests[shard.name] = shard.sha256
            self._read += len(shard.lines)
            record = done.get(shard.name)
            if record is None:
                yield shard
            elif record.sha256 != shard.sha256:
                raise self._changed(f"the documents of {shard.name} are not those that were annotated")
            else:
                self._resumed += record.counts.documents

    def _changed(self, what: str) -> CorpusError:
        return CorpusError(
            f"the corpus has changed since {self._layout.name} was begun: {what}",
            remedy="choose another destination, or pass --force to begin again",
        )

    def _add(self, counts: Counts) -> None:
        """Count documents; called by the threads of the engine."""
        with self._lock:
            self._now.add(counts)
            self._on_progress(
                Progress(
                    documents=self._now.documents,
                    words=self._now.words,
                    errors=self._now.errors,
                    resumed=self._resumed,
                    read_bytes=self._read,
                    total_bytes=self._total,
                )
            )

    def _write(self, result: ShardResult) -> ShardRecord:
        """Write the results of a shard, its record last."""
        if result.errors:
            if self._on_error == "stop":
                raise _stopped(result.errors)
            self._layout.work.write(self._layout.shard_errors(result.name), result.errors)
        self._layout.work.write(self._layout.part(result.name), result.lines)
        record = ShardRecord(
            result.name, self._digests[result.name], len(result.lines), result.counts, round(result.seconds, 3)
        )
        write_record(self._layout, record)
        return record


def _stopped(errors: bytes) -> CorpusError:
    first = parse_json(errors.splitlines()[0])
    error = first["error"]
    return CorpusError(
        f"{first['file']}:{first['number']}: {error['errorMessage']}",
        remedy=error.get("remedy", "pass --on-error skip to go on without such documents"),
    )
