"""Documents -> their results, with an error for each document that ends a worker process."""

from __future__ import annotations

from collections.abc import Callable

from spacy_lambda.core.annotation import Counts, encode_line, read_documents
from spacy_lambda.corpus.engines.batches import join_results
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.corpus.engines.worker_process import WorkerEndedError
from spacy_lambda.errors import CorpusError

__all__ = ["MAX_ENDINGS", "Endings", "annotate_safely"]

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


def annotate_safely(name: str, lines: bytes, annotate: Annotate, endings: Endings) -> ShardResult:
    """Annotate documents, and if a process ends meanwhile, find out which of them end it.

    They are then annotated one by one. Those that end a process get an error, and all of them are annotated once more,
    together, as in a run without these. If that ends a process, too, as one that needs more memory for all than for
    each of them, the results come from documents one by one.

    :param name: Name of the shard that they are of.
    :param lines: The documents.
    :raises CorpusError: If too many processes end.
    """

    def counted(lines: bytes) -> ShardResult:
        try:
            result = annotate(lines)
        except WorkerEndedError as exc:
            endings.add(exc)
            raise
        endings.see(result.counts)
        return result

    try:
        return counted(lines)
    except WorkerEndedError:
        documents = lines.splitlines(keepends=True)
        results = [_alone(documents, index, counted) for index in range(len(documents))]
    try:
        return counted(b"".join(documents))
    except WorkerEndedError:
        return join_results(name, results)


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
