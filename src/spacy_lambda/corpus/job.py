"""A corpus, a pipeline and an engine -> the annotated corpus."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.core.counts import count
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.request_options import LongText
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.annotator import pipeline_folders
from spacy_lambda.corpus.choices import EngineName, OnError
from spacy_lambda.corpus.completion import Completion, complete_run, corpus_digest, read_completion, remove_work
from spacy_lambda.corpus.duplicates import SeenIds
from spacy_lambda.corpus.engines.chosen import choose_engine, runs_on_lambda
from spacy_lambda.corpus.engines.protocol import Engine, ShardResult
from spacy_lambda.corpus.files import CorpusFile, Sources, find_files
from spacy_lambda.corpus.finish import finish
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.corpus.layout import Layout, make_layout
from spacy_lambda.corpus.ownership import begin_output, check_files
from spacy_lambda.corpus.records import ShardRecord, begin_record, read_records, recorded_groups, write_record
from spacy_lambda.corpus.settings import (
    RunSettings,
    begin_run,
    check_settings,
    read_settings,
    remove_unfinished,
    run_name,
    shard_bytes_of,
)
from spacy_lambda.corpus.shards import Shard, cut_shards
from spacy_lambda.corpus.summary import OnProgress, OnWarning, Summary, no_progress
from spacy_lambda.corpus.tally import RunTally, sum_costs
from spacy_lambda.errors import CorpusError

__all__ = ["annotate"]

_LOGGER = logging.getLogger(__name__)


def annotate(
    sources: Sources,
    destination: StrPath,
    *,
    pipeline: StrPath | None = None,
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
    config: StrPath | None = None,
    s3: S3Options = FROM_ENVIRONMENT,
    shard_bytes: int | None = None,
    force: bool = False,
    retry_errors: bool = False,
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
    :param shard_bytes: Size at which a shard ends; by default the size in the run that is resumed, else the engine's.
    :param force: Replace the results of an earlier run, even of one with other settings.
    :param retry_errors: Annotate shards again that have documents with an error; not on Lambda, nor if the destination
        is one file that is complete.
    :param on_progress: Called with the figures so far.
    :param on_warning: Called before the run with what is probably a mistake; by default it is logged.
    :raises CorpusError: If the corpus cannot be read, or the destination has other results.
    :raises StoreError: If S3 cannot be reached or denies access.
    :raises NotCompiledError: If the pipeline needs torch.
    """
    if retry_errors and runs_on_lambda(on, pipeline=pipeline, function=function):
        raise CorpusError(
            "--retry-errors is not for Lambda: an execution that is redriven skips shards that it has annotated",
            remedy="pass --pipeline with the function's pipeline to retry on this machine, or --force to begin again",
        )
    layout = make_layout(os.fspath(destination), format_name=output_format, s3=s3)
    wanted = AnnotateOptions.of(include, labels, long_text)
    options = replace(wanted, include=layout.format.included(wanted.include))
    folders = pipeline_folders(pipeline)
    if any(Path(layout.own[0]).is_relative_to(folder) for folder in folders):
        raise CorpusError(
            f"{layout.name} is in the pipeline's folder, whose files are all part of it",
            remedy="choose a destination outside of it",
        )
    files = find_files(
        sources, format_name=input_format, own=layout.own, s3=s3, on_warning=on_warning, left_out=folders
    )
    for form in {layout.format, *(file.format for file in files)}:
        form.open()  # Before anything is written: its library may be missing.
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
    chosen.parts.check(wanted, on_warning)
    if chosen.temporary is not None and layout.own[0].startswith(chosen.temporary):
        raise CorpusError(
            f"{layout.name} is below {chosen.temporary}, which has shards and results on their way, and is emptied",
            remedy="choose another prefix",
        )
    run = _Run(layout, files, columns, options.include, on_error, on_progress)
    with layout.work.lock(layout.lock, layout.name):
        remove_unfinished(layout)
        found = None if force else read_settings(layout)
        complete = None if force or found is not None else read_completion(layout)
        begun = shard_bytes_of(complete.settings if complete is not None else found)
        size = shard_bytes or begun or chosen.shard_bytes
        settings = RunSettings(chosen.pipeline, options, text_column, columns.id, size, layout.format.name)
        if complete is not None:
            remove_work(layout)
            check_settings(layout, settings.to_dict(), complete.settings)
            if retry_errors and complete.counts.errors:
                raise CorpusError(
                    f"{layout.name} is complete, and results of single shards are not kept beside one file",
                    remedy="pass --force to annotate all documents again, or choose a folder as destination",
                )
            return run.unchanged(complete, size)
        check_files(layout, files, force=force)
        engine = chosen.make(options, run_name(layout, settings), run.tally.show)
        done = read_records(layout) if begin_run(layout, settings, force=force) else {}
        return run.all(engine, settings, done, retry_errors=retry_errors)


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
        self.tally = RunTally(files, on_progress)
        self._layout, self._columns, self._parts = layout, columns, parts
        self._on_error = on_error
        self._digests: dict[str, Digest] = {}
        self._ids = SeenIds()
        self._recorded: Set[str] = frozenset()
        self._retried: Collection[str] = ()
        self._kept: Collection[str] = ()

    def unchanged(self, complete: Completion, shard_bytes: int) -> Summary:
        """Read the corpus of a complete output again, and return the output's summary.

        :raises CorpusError: If the corpus has changed.
        """
        digests = {shard.name: shard.sha256 for shard in self._shards(shard_bytes)}
        if corpus_digest(digests) != complete.corpus:
            raise self._changed("its documents are not those that were annotated")
        if complete.errors_file is not None and self._on_error == "stop":
            raise _stopped(self._layout.final.read(complete.errors_file) or b"")
        return complete.summary(self._layout.name, self.tally.seconds, self._ids.duplicates())

    def all(
        self, engine: Engine, settings: RunSettings, recorded: Mapping[str, ShardRecord], *, retry_errors: bool
    ) -> Summary:
        """Annotate what is missing, and make the output.

        :param recorded: The shards that are done.
        :param retry_errors: Annotate those with errors again.
        """
        self._kept = recorded_groups(self._layout)
        self._recorded = recorded.keys()
        self._retried = {one.name for one in recorded.values() if retry_errors and one.counts.errors}
        done = {name: record for name, record in recorded.items() if name not in self._retried}
        shards = self._shards(settings.shard_bytes)
        if recorded and not any(file.read_once for file in self.tally.files):
            is_complete = self._check(shards, done)
            shards = iter(()) if is_complete else self._shards(settings.shard_bytes)
        records = dict(done)
        if self._on_error == "stop":
            for record in done.values():
                if record.counts.errors:
                    raise _stopped(self._layout.work.read(self._layout.shard_errors(record.name)) or b"")
        with closing(engine.run(self._missing(shards, done), self.tally.add)) as results:
            for result in results:
                records[result.name] = self._write(result)
        self._check_names()
        summary = self._finish([records[name] for name in self._digests])
        complete_run(self._layout, settings, corpus_digest(self._digests), summary)
        return summary

    def _finish(self, records: Sequence[ShardRecord]) -> Summary:
        annotating = self.tally.annotating_seconds
        begin_output(self._layout)
        errors, reasons = finish(self._layout, records, self.tally.files, self._columns, self._parts)
        counts = Counts()
        for record in records:
            counts.add(record.counts)
        return Summary(
            destination=self._layout.name,
            counts=counts,
            resumed=self.tally.resumed,
            shards=len(records),
            seconds=self.tally.seconds,
            annotating_seconds=annotating,
            errors_file=errors,
            reasons=reasons,
            duplicates=self._ids.duplicates(),
            cost=sum_costs(*(record.cost for record in records)),
        )

    def _shards(self, shard_bytes: int) -> Iterator[Shard]:
        """Return the shards of the corpus, which is read from its beginning."""
        self._ids = SeenIds()
        return cut_shards(
            self.tally.files, self._columns, shard_bytes=shard_bytes, kept=self._kept, on_id=self._ids.add
        )

    def _check(self, shards: Iterator[Shard], done: Mapping[str, ShardRecord]) -> bool:
        """Check that the corpus still has the documents that were annotated, before anything else is.

        :returns: ``True`` if no shard is missing, so that the corpus need not be read again.
        :raises CorpusError: If the corpus has changed.
        """
        for shard in self._seen(shards, done):
            self._check_digest(shard, done)
        self._check_names()
        if self._digests.keys() <= done.keys():
            return True
        self._digests.clear()
        self.tally.restart()
        return False

    def _seen(self, shards: Iterator[Shard], done: Mapping[str, ShardRecord]) -> Iterator[Shard]:
        """Yield shards, and count them."""
        for shard in shards:
            self._digests[shard.name] = shard.sha256
            self.tally.see(shard, done.get(shard.name))
            yield shard
        self.tally.end()

    def _check_digest(self, shard: Shard, done: Mapping[str, ShardRecord]) -> None:
        if shard.name in done and done[shard.name].sha256 != shard.sha256:
            raise self._changed(f"the documents of {shard.name} are not those that were annotated")

    def _check_names(self) -> None:
        missing = sorted(self._recorded - self._digests.keys())
        if missing:
            raise self._changed(f"missing from the corpus: {count(len(missing), 'shard')}, such as {missing[0]}")

    def _missing(self, shards: Iterator[Shard], done: Mapping[str, ShardRecord]) -> Iterator[Shard]:
        """Yield the shards that are not done.

        :raises CorpusError: If one that is done had other documents.
        """
        for shard in self._seen(shards, done):
            self._check_digest(shard, done)
            if shard.name not in done:
                yield shard

    def _changed(self, what: str) -> CorpusError:
        return CorpusError(
            f"the corpus has changed since {self._layout.name} was begun: {what}",
            remedy="choose another destination, or pass --force to begin again",
        )

    def _write(self, result: ShardResult) -> ShardRecord:
        """Write the results of a shard, its record last."""
        if result.errors and self._on_error == "stop":
            raise _stopped(result.errors)
        begin_record(self._layout, result.name)
        if result.errors:
            self._layout.work.write(self._layout.shard_errors(result.name), result.errors)
        elif result.name in self._retried:
            self._layout.work.remove(self._layout.shard_errors(result.name))
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
            results_sha256=_digest(result.lines),
            errors_sha256=_digest(result.errors),
        )
        write_record(self._layout, record)
        self.tally.written(result.cost)
        return record


def _digest(content: bytes) -> Digest:
    return Digest(hashlib.sha256(content).hexdigest())


def _stopped(errors: bytes) -> CorpusError:
    first = parse_json(errors.splitlines()[0])
    error = first["error"]
    return CorpusError(
        f"{first['file']}:{first['number']}: {error['errorMessage']}",
        remedy=error.get("remedy", "pass --on-error skip to go on without such documents"),
    )
