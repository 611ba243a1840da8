"""A shard in which a worker process has ended -> its results, with an error for each document that ends a process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spacy_lambda.core.annotation import Counts, encode_line, read_documents
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.corpus.engines.worker_process import WorkerEndedError
from spacy_lambda.errors import CorpusError

__all__ = ["MAX_ENDINGS", "Endings", "annotate_isolated"]

MAX_ENDINGS = 20
"""Processes that may end one after the other before any of them has annotated a document."""

ATTEMPTS = 2
"""A document that ends as many processes has an error; one may have ended for another reason."""

Annotate = Callable[[bytes], ShardResult]
"""Annotates documents; raises :class:`WorkerEndedError`, after which it may be called again."""


class Endings:
    """The number of processes that have ended since one annotated documents."""

    def __init__(self) -> None:
        self._count = 0

    def see(self, counts: Counts) -> None:
        """Begin to count again if documents were annotated."""
        if counts.documents > counts.errors:
            self._count = 0

    def add(self, error: WorkerEndedError) -> None:
        """Count a process that has ended.

        :raises CorpusError: If there are too many.
        """
        self._count += 1
        if self._count >= MAX_ENDINGS:
            raise CorpusError(
                f"{self._count} worker processes ended one after the other and annotated no document; the last one"
                f" {error.ending}",
                remedy="the reason may be above; `spacy-lambda serve` with one of the documents shows more",
            ) from error


def annotate_isolated(name: str, lines: bytes, annotated: int, annotate: Annotate) -> ShardResult:
    """Annotate a shard of which a part was annotated before a process ended.

    The documents after that part are annotated one by one. Those that end a process get an error, and the whole shard
    is annotated once more, in the same batches as in a run without them. If that ends a process, too, as one that
    needs more memory for a batch than for each of its documents, the results are those of single documents.

    :param lines: Its documents.
    :param annotated: How many documents that part has.
    """
    documents = lines.splitlines(keepends=True)
    later = [_alone(documents, index, annotate) for index in range(annotated, len(documents))]
    try:
        return annotate(b"".join(documents))
    except WorkerEndedError:
        earlier = [_alone(documents, index, annotate) for index in range(annotated)]
        return _joined(name, [*earlier, *later])


def _alone(documents: list[bytes], index: int, annotate: Annotate) -> ShardResult:
    """Annotate one document; if that ends processes, put its error in its place."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return annotate(documents[index])
        except WorkerEndedError as exc:
            if attempt == ATTEMPTS:
                documents[index] = with_error(documents[index], exc)
    return annotate(documents[index])


def with_error(line: bytes, error: WorkerEndedError) -> bytes:
    """Return a document that has an error and is not annotated."""
    (document,) = read_documents([line])
    fields = {"errorType": "WorkerEndedError", "errorMessage": error.message, "remedy": error.remedy}
    return encode_line({**document.to_dict(), "error": fields})


def _joined(name: str, results: Sequence[ShardResult]) -> ShardResult:
    counts = Counts()
    for result in results:
        counts.add(result.counts)
    return ShardResult(
        name,
        b"".join(result.lines for result in results),
        b"".join(result.errors for result in results),
        counts,
        sum(result.seconds for result in results),
    )
