"""One loaded pipeline -> the results of shards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.core.env_names import MAX_TEXT_VARIABLE
from spacy_lambda.corpus.engines.protocol import OnDocuments, ShardResult
from spacy_lambda.runtime.telemetry.observation import Observation

__all__ = ["ShardAnnotator"]


class ShardAnnotator:
    """Annotates shards in this process.

    Texts have spaCy's own limit, ``nlp.max_length``, rather than a function's.

    :param pipeline: The folder of a compiled pipeline.
    :param options: Options of annotating.
    """

    def __init__(self, pipeline: Path, options: AnnotateOptions) -> None:
        # First, so that spaCy is imported without its command line.
        from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
        from spacy_lambda.runtime.predictor import Predictor

        nlp = load_pipeline(pipeline)
        self._predictor = Predictor(nlp, {MAX_TEXT_VARIABLE: str(nlp.max_length)})
        self._options = options

    def annotate(self, name: str, lines: bytes, on_documents: OnDocuments = lambda counts: None) -> ShardResult:
        """Annotate a shard.

        :param name: Its name.
        :param lines: Its documents.
        """
        from spacy_lambda.runtime.annotation import annotate_shard

        predictor = replace(self._predictor, observation=Observation())
        done = annotate_shard(lines.splitlines(), predictor, self._options, on_documents)
        return ShardResult(name, done.lines, done.errors, done.counts, done.seconds)
