"""An engine in this process: these tests are about the corpus."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.corpus.annotator import Annotator
from spacy_lambda.corpus.engines.protocol import OnDocuments, ShardResult
from spacy_lambda.corpus.shards import Shard

__all__ = ["InProcess"]


class InProcess:
    """An engine in this process, which can fail.

    :param fail_after: The number of shards after which it raises.
    """

    def __init__(
        self, pipeline: Path, options: AnnotateOptions | None = None, *, fail_after: int | None = None
    ) -> None:
        self._annotator = Annotator.of(pipeline, options or AnnotateOptions())
        self._fail_after = fail_after
        self.names: list[str] = []

    def run(self, shards: Iterator[Shard], on_documents: OnDocuments) -> Generator[ShardResult, None, None]:
        for shard in shards:
            if len(self.names) == self._fail_after:
                raise KeyboardInterrupt
            self.names.append(shard.name)
            result = self._annotator.annotate_shard(shard.name, shard.lines)
            on_documents(result.counts)
            yield result
