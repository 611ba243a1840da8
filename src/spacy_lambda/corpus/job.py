"""A corpus, a pipeline and an engine -> the annotated corpus."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.request_options import LongText
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.choices import EngineName, OnError
from spacy_lambda.corpus.engines.chosen import choose_engine
from spacy_lambda.corpus.engines.protocol import Engine, ShardResult
from spacy_lambda.corpus.files import CorpusFile, Sources, find_files
from spacy_lambda.corpus.finish import finish
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.corpus.layout import Layout, make_layout
from spacy_lambda.corpus.records import (
    RunSettings,
    ShardRecord,
    begin_run,
    begun_shard_bytes,
    run_name,
    write_record,
)
from spacy_lambda.corpus.shards import Shard, cut_shards
from spacy_lambda.corpus.summary import OnProgress, OnWarning, Progress, ShardStates, Summary, no_progress
from spacy_lambda.errors import CorpusError

__all__ = ["annotate"]

_LOGGER = logging.getLogger(__name__)


def annotate(
    sources: Sources,
    destination: str | os.PathLike[str],
    *,
    pipeline: str | Path | None = None,
    function: str | None = None,
    on: EngineName | Engine | None = None,
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
    config: Path | None = None,
    s3: S3Options = FROM_ENVIRONMENT,
    shard_bytes: int | None = None,
    force: bool = False,
    on_progress: OnProgress = no_progress,
    on_warning: OnWarning = _LOGGER.warning,
) -> Summary:
    """Annotate a corpus. Called again with the same arguments after an interruption, it resumes.

    :param sources: Files, folders and patterns, here or in S3, or ``-`` for standard input.
    :param destination: A folder, or one file, here or in S3.
    :param pipeline: The compiled pipeline: its folder, installed package, artifact or location; on Lambda it is the
        function's.
    :param function: On Lambda: the function's name in the project; by default the only one.
    :param on: The engine, by its name, or one of your own; by default Lambda for a function, else this machine.
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
    :param config: On Lambda: the project's file; by default ``spacy-lambda.toml`` in the current folder.
    :param s3: Options of S3; on Lambda, its profile and region are the function's too.
    :param shard_bytes: Size at which a shard ends; by default that of the run that is resumed, else the engine's.
    :param force: Replace what is at the destination, and results of other settings.
    :param on_progress: Called with the figures so far.
    :param on_warning: Called before the run with what is probably a mistake; by default it is logged.
    :raises CorpusError: If the corpus cannot be read, or the destination has other results.
    :raises StoreError: If S3 cannot be reached or denies access.
    :raises NotCompiledError: If the pipeline needs torch.
    """
    layout = make_layout(os.fspath(destination), format_name=output_format, s3=s3)
    wanted = AnnotateOptions.of(include, labels, long_text)
    options = replace(wanted, include=layout.format.included(wanted.include))
    files = find_files(sources, format_name=input_format, own=layout.own, s3=s3)
    columns = Columns.of(text_column, id_column)
    chosen = choose_engine(
        on,
        pipeline=pipeline,
        function=function,
        config=config,
        aws=s3,
        workers=workers,
        ray_address=ray_address,
    )
    chosen.parts.check_labels(options.labels or ())
    if (missing := chosen.parts.missing(wanted.include)) is not None:
        on_warning(missing)
    begun = None if force else begun_shard_bytes(layout)
    size = shard_bytes or begun or chosen.shard_bytes
    settings = RunSettings(chosen.pipeline, options, text_column, columns.id, size, layout.format.name)
    run = _Run(layout, files, columns, options.include, on_error, on_progress)
    engine = chosen.make(options, run_name(layout, settings), run.show)
    done = begin_run(layout, settings, force=force)
    if done and not any(file.read_once for file in files):
        run.check(cut_shards(files, columns, shard_bytes=size), done)
    return run.all(engine, cut_shards(files, columns, shard_bytes=size), done)


class _Run:
    """A run in progress."""

    def __init__(
        self,
        layout: Layout,
        files: Sequence[CorpusFile],
        columns: Columns,
        parts: Sequence[str],
        on_error: OnError,
        on_progress: OnProgress,
    ) -> None:
        self._layout, self._files, self._columns, self._parts = layout, files, columns, parts
        # The size of a compressed file says nothing of its documents.
        sizes = [None if file.packed or file.format.compressed else file.size for file in files]
        self._total = None if None in sizes else sum(size for size in sizes if size is not None)
        self._on_error = on_error
        self._on_progress = on_progress
        self._digests: dict[str, Digest] = {}
        self._resumed, self._read = 0, 0
        self._now = Counts()
        self._cost: float | None = None
        self._done, self._written, self._all_read = 0, 0, False
        self._states: ShardStates | None = None
        self._lock = threading.Lock()

    def check(self, shards: Iterator[Shard], done: Mapping[str, ShardRecord]) -> None:
        """Check that the corpus still has the documents that were annotated, before anything else is.

        :raises CorpusError: If it does not.
        """
        names = set()
        for shard in shards:
            names.add(shard.name)
            self._check_digest(shard, done)
        self._check_names(names, done)

    def _check_digest(self, shard: Shard, done: Mapping[str, ShardRecord]) -> None:
        if shard.name in done and done[shard.name].sha256 != shard.sha256:
            raise self._changed(f"the documents of {shard.name} are not those that were annotated")

    def _check_names(self, names: Collection[str], done: Mapping[str, ShardRecord]) -> None:
        missing = sorted(done.keys() - names)
        if missing:
            raise self._changed(f"{len(missing)} shards, such as {missing[0]}, are missing from the corpus")

    def all(self, engine: Engine, shards: Iterator[Shard], done: Mapping[str, ShardRecord]) -> Summary:
        """Annotate what is missing, and make the output."""
        began = time.monotonic()
        records = dict(done)
        self._done = len(done)
        if self._on_error == "stop":
            for record in done.values():
                if record.counts.errors:
                    raise _stopped(self._layout.work.read(self._layout.shard_errors(record.name)) or b"")
        with closing(engine.run(self._missing(shards, done), self._add)) as results:
            for result in results:
                records[result.name] = self._write(result)
        self._check_names(self._digests.keys(), done)
        ordered = [records[name] for name in self._digests]
        errors, reasons = finish(self._layout, ordered, self._files, self._columns, self._parts)
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
            reasons=reasons,
            cost=_sum(record.cost for record in ordered),
        )

    def _missing(self, shards: Iterator[Shard], done: Mapping[str, ShardRecord]) -> Iterator[Shard]:
        """Yield the shards that are not done.

        :raises CorpusError: If one that is done had other documents.
        """
        for shard in shards:
            self._digests[shard.name] = shard.sha256
            self._read += len(shard.lines)
            self._check_digest(shard, done)
            record = done.get(shard.name)
            if record is None:
                yield shard
            else:
                self._resumed += record.counts.documents
        self._all_read = True

    def _changed(self, what: str) -> CorpusError:
        return CorpusError(
            f"the corpus has changed since {self._layout.name} was begun: {what}",
            remedy="choose another destination, or pass --force to begin again",
        )

    def _add(self, counts: Counts) -> None:
        """Count documents; called by the threads of the engine."""
        with self._lock:
            self._now.add(counts)
            self._report()

    def show(self, states: ShardStates) -> None:
        """Report the states of the shards; called by the engine."""
        with self._lock:
            self._states = states
            self._report()

    def _report(self) -> None:
        total_cost = None
        if self._cost is not None and self._all_read:
            missing = len(self._digests) - self._done
            total_cost = self._cost / self._written * missing
        self._on_progress(
            Progress(
                documents=self._now.documents,
                words=self._now.words,
                errors=self._now.errors,
                resumed=self._resumed,
                read_bytes=self._read,
                total_bytes=self._total,
                cost=self._cost,
                total_cost=total_cost,
                states=self._states,
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
            result.name,
            self._digests[result.name],
            len(result.lines),
            len(result.errors),
            result.counts,
            round(result.seconds, 3),
            result.billed_ms,
            result.cost,
        )
        write_record(self._layout, record)
        self._written += 1
        self._cost = _sum([self._cost, result.cost])
        return record


def _sum(costs: Iterable[float | None]) -> float | None:
    """Return the sum of the costs that are known."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def _stopped(errors: bytes) -> CorpusError:
    first = parse_json(errors.splitlines()[0])
    error = first["error"]
    return CorpusError(
        f"{first['file']}:{first['number']}: {error['errorMessage']}",
        remedy=error.get("remedy", "pass --on-error skip to go on without such documents"),
    )
