"""One loaded pipeline for shards and for batches of a table: in a process, in an actor, in a task of a cluster."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from spacy_lambda.core.annotation import AnnotateOptions, Document
from spacy_lambda.core.env_names import MAX_TEXT_VARIABLE, MAX_TOTAL_VARIABLE, PIPELINE_VARIABLE
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.pipelines import find_pipeline, resolve_pipeline
from spacy_lambda.core.request_options import LongText
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.corpus.pipeline_parts import PipelineParts

if TYPE_CHECKING:
    from spacy_lambda.runtime.predictor import Predictor

__all__ = ["Annotator", "compiled_folder", "pipeline_folders"]

Table = TypeVar("Table")

NO_LIMIT = 10**11

LOADED = ("_predictor", "_folder")
"""Attributes that are not pickled: they are of one process."""

PYTHON_TERMS = (("--text-column", "text_column"), ("pass --long-text split", 'pass long_text="split"'))
"""Options in remedies, and the parameters of an annotator."""


class Annotator:
    """Annotates tables, batch by batch, with a pipeline that is loaded once in each process.

    ::

        dataset.map_batches(Annotator, fn_constructor_args=["compiled"], batch_format="pyarrow", compute=...)   # Ray
        frame = Annotator("compiled")(frame)                                                                   # pandas
        frames.map_partitions(Annotator("compiled"))                                                           # Dask
        rows.mapInPandas(Annotator("compiled").map, schema)                                                    # Spark

    A table gets a column for each part of ``include``, and ``error``, which is null unless the row's text cannot be
    annotated. Other columns stay; one that has such a name becomes ``input_NAME``. Texts have spaCy's own limit,
    ``nlp.max_length``, rather than a function's.

    An annotator can be pickled, whether or not it has been used; the pipeline is loaded where it is used.

    :param pipeline: A folder, an installed package, an artifact, or a location in S3 or on the Hub, which every process
        must be able to read. Artifacts go through the cache, as in a function.
    :param include: Parts of a Doc, as in a request.
    :param labels: Labels of the entities and spans to keep.
    :param long_text: Treatment of texts over the limit.
    :param text_column: The column of the texts.

    With the first batch, the options are compared with the pipeline: a label that it does not have is an error, and a
    part that none of its components sets a warning.
    """

    def __init__(
        self,
        pipeline: StrPath,
        *,
        include: Iterable[str] = ("ents",),
        labels: Iterable[str] | None = None,
        long_text: LongText = "refuse",
        text_column: str = "text",
    ) -> None:
        self.pipeline = os.fspath(pipeline)
        self.options = AnnotateOptions.of(include, labels, long_text)
        self.text_column = text_column
        self._is_checked = False

    @classmethod
    def of(cls, pipeline: Path, options: AnnotateOptions) -> Annotator:
        """Return an annotator with these options.

        :param pipeline: Folder of the compiled pipeline.
        :param options: Parts, labels and treatment of long texts.
        """
        return cls(pipeline, include=options.include, labels=options.labels, long_text=options.long_text)

    def __call__(self, table: Table) -> Table:
        """Annotate a batch.

        :param table: A :class:`pyarrow.Table`, a :class:`pandas.DataFrame`, or a dictionary of columns.
        :returns: A table of the same type.
        :raises CorpusError: If it does not have the column of the texts, or has it twice.
        """
        from spacy_lambda.corpus.tables import annotate_table

        return annotate_table(self, table)

    def map(self, tables: Iterable[Table]) -> Iterator[Table]:
        """Annotate batches as they come.

        :param tables: The batches.
        """
        return map(self, tables)

    def annotate_texts(self, texts: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
        """Yield the parts of each text, or ``{"error": ...}``, in order.

        Strings of other types, such as numpy's, are annotated like any string.

        :param texts: Strings; anything else yields an error.
        """
        from spacy_lambda.runtime.annotation import annotate_documents

        self._check_parts()
        plain = (str.__str__(text) if isinstance(text, str) else text for text in texts)
        documents = (Document(number, text, "", number) for number, text in enumerate(plain))
        for annotated in annotate_documents(documents, self._fresh(), self.options):
            yield _in_python(annotated.line) if annotated.failed else annotated.line

    def annotate_shard(self, name: str, lines: bytes) -> ShardResult:
        """Annotate a shard, or a batch of it.

        :param name: Its name.
        :param lines: Its documents.
        """
        from spacy_lambda.runtime.annotation import annotate_shard

        done = annotate_shard(lines.splitlines(keepends=True), self._fresh(), self.options)
        return ShardResult(name, done.lines, done.errors, done.counts, done.seconds)

    def __repr__(self) -> str:
        return f"Annotator({self.pipeline!r})"

    def load(self) -> None:
        """Load the pipeline now, rather than for the first text.

        :raises SpacyLambdaError: If it does not load.
        """
        _ = self._predictor

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in LOADED} | {"_is_checked": False}

    def _check_parts(self) -> None:
        """Compare the options with the pipeline, once in each process.

        :raises CorpusError: If it does not have one of the labels.
        """
        if not self._is_checked:
            parts = PipelineParts.of_folder(self._folder)
            parts.check(self.options, lambda missing: warnings.warn(f"{self.pipeline}: {missing}", stacklevel=4))
            self._is_checked = True

    @cached_property
    def _folder(self) -> Path:
        return compiled_folder(self.pipeline)

    def _fresh(self) -> Predictor:
        """Return the predictor without counts: a process may run for days."""
        from spacy_lambda.runtime.telemetry.observation import Observation

        return replace(self._predictor, observation=Observation())

    @cached_property
    def _predictor(self) -> Predictor:
        # First, so that spaCy is imported without its command line.
        from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
        from spacy_lambda.runtime.predictor import Predictor

        nlp = load_pipeline(self._folder)
        # Texts are sent one by one: a request's limit for all of them has no use, and would apply to long ones.
        return Predictor(nlp, {MAX_TEXT_VARIABLE: str(nlp.max_length), MAX_TOTAL_VARIABLE: str(NO_LIMIT)})


def _in_python(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document with an error whose remedy names parameters instead of options."""
    error = dict(line["error"])
    for option, parameter in PYTHON_TERMS:
        error["remedy"] = error.get("remedy", "").replace(option, parameter)
    return {**line, "error": error}


def pipeline_folders(pipeline: StrPath | None) -> list[str]:
    """Return the real path of a pipeline that is a folder: its texts, such as a vocabulary, are no corpus."""
    return [os.path.realpath(pipeline)] if pipeline is not None and os.path.isdir(pipeline) else []


def compiled_folder(pipeline: StrPath) -> Path:
    """Return the folder of a compiled pipeline, fetched and verified if it is an artifact or in a store.

    :raises NotCompiledError: If it needs torch.
    :raises SpacyLambdaError: If there is no such pipeline, or it cannot be fetched.
    """
    from spacy_lambda.pipeline.kind import require_compiled  # needs packaging

    name = os.fspath(pipeline)
    if resolve_pipeline(name).has_folder:
        folder = find_pipeline(name)
    else:
        from spacy_lambda.runtime.loading import locate_pipeline

        folder = locate_pipeline({**os.environ, PIPELINE_VARIABLE: name}).path
    require_compiled(folder, name=name)
    return folder
