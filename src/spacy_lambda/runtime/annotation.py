"""Documents -> lines of annotated documents: in the function, in worker processes and in a cluster alike."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spacy_lambda.core.annotation import (
    ANNOTATED_KEYS,
    AnnotateOptions,
    Counts,
    Document,
    carried_name,
    encode_line,
    read_documents,
)
from spacy_lambda.errors import OutOfTimeError, RequestError
from spacy_lambda.runtime.events.records import error_of
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import Request

__all__ = ["Annotated", "AnnotatedShard", "annotate_documents", "annotate_shard"]

BATCH_DOCUMENTS = 128
BATCH_CHARACTERS = 200_000
"""A batch ends with whichever comes first."""

TERMS = (
    ('split the text and send the parts, or send "long_text": "split"', "pass --long-text split, or split the text"),
    ("send less of them at once, or ", ""),
    ("send valid Unicode", "write valid Unicode"),
)
"""Parts of a request's remedies, and what they are for a document of a corpus."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """An annotated document.

    :param line: The document with its annotations, or with its error: what is written of it.
    :param counts: The document in numbers.
    """

    line: dict[str, Any]
    counts: Counts

    @property
    def failed(self) -> bool:
        """True if it has an error instead of annotations."""
        return self.counts.errors > 0


@dataclass(frozen=True)
class AnnotatedShard:
    """An annotated shard.

    :param lines: The annotated documents as lines of JSON, in order.
    :param errors: The documents with an error, as lines of JSON.
    :param counts: All of them in numbers.
    :param seconds: The time that it took.
    """

    lines: bytes
    errors: bytes
    counts: Counts
    seconds: float


def annotate_shard(
    lines: Iterable[bytes],
    predictor: Predictor,
    options: AnnotateOptions,
    on_documents: Callable[[Counts], None] = lambda counts: None,
) -> AnnotatedShard:
    """Annotate a shard: the same lines give the same bytes wherever this runs.

    :param lines: Its documents.
    :param on_documents: Called with the counts of each batch.
    :raises OutOfTimeError: In a function, if there is not the time for all of them.
    """
    began, counts = time.perf_counter(), Counts()
    results, errors = list[bytes](), list[bytes]()
    for batch in annotate_documents(read_documents(lines), predictor, options):
        done = Counts()
        for annotated in batch:
            (errors if annotated.failed else results).append(encode_line(annotated.line))
            done.add(annotated.counts)
        on_documents(done)
        counts.add(done)
    return AnnotatedShard(b"".join(results), b"".join(errors), counts, time.perf_counter() - began)


def annotate_documents(
    documents: Iterable[Document], predictor: Predictor, options: AnnotateOptions
) -> Iterator[list[Annotated]]:
    """Yield annotated documents in order, batch by batch, one for each document.

    A document that cannot be annotated has its error; only an error that is not any document's own ends the iteration.

    :raises OutOfTimeError: In a function, if there is not the time for all of them.
    """
    for batch in _batches(documents):
        requests = [_request(document, predictor, options) for document in batch]
        valid = [request for request in requests if isinstance(request, Request)]
        first = len(predictor.observation.texts)
        outcomes = iter(predictor.predict_each(valid))
        counts = iter(predictor.observation.texts[first:])
        annotated = []
        for document, request in zip(batch, requests, strict=True):
            outcome = next(outcomes) if isinstance(request, Request) else request
            if isinstance(outcome, OutOfTimeError):
                raise outcome
            if isinstance(outcome, Exception):
                annotated.append(_failed(document, _error(outcome, document.text)))
            elif isinstance(request, Request):
                annotated.append(_succeeded(document, outcome, next(counts), options))
            else:
                annotated.append(_failed(document, outcome))
        yield annotated


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.text) if isinstance(document.text, str) else 0
        if len(batch) == BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _request(document: Document, predictor: Predictor, options: AnnotateOptions) -> Request | Mapping[str, str]:
    """Return the request for a document, or its error."""
    if document.error is not None:
        return document.error
    try:
        return predictor.parse(
            {"text": document.text, "include": list(options.include), "long_text": options.long_text}
        )
    except RequestError as exc:
        return _error(exc, document.text)


def _error(error: Exception, text: Any) -> dict[str, str]:
    """Return an error in terms of documents rather than of a request's keys."""
    fields = error_of(error)
    if not isinstance(error, RequestError):
        return fields
    message, remedy = error.message.replace('"text"', "the text"), error.remedy
    if not isinstance(text, str):
        remedy = "correct or remove the document, or name the column of the texts with --text-column"
        if isinstance(text, float) and math.isnan(text):
            message = "the text is NaN, not a string"
    for request_term, term in TERMS:
        remedy = remedy.replace(request_term, term)
    return {**fields, "errorMessage": message, "remedy": remedy}


def _failed(document: Document, error: Mapping[str, str]) -> Annotated:
    line = {"id": document.id, "file": document.file, "number": document.number, "error": dict(error)}
    return Annotated(line, Counts(documents=1, errors=1))


def _succeeded(document: Document, parts: Mapping[str, Any], counts: Any, options: AnnotateOptions) -> Annotated:
    if options.labels is not None:
        parts = _filtered(parts, frozenset(options.labels))
    entities = Counter(
        {label: n for label, n in counts.entities.items() if options.labels is None or label in options.labels}
    )
    others = {carried_name(name, document.others, ANNOTATED_KEYS): value for name, value in document.others.items()}
    line = {"id": document.id, **others, "text": document.text, **parts}
    return Annotated(
        line,
        Counts(
            documents=1,
            words=counts.tokens,
            characters=counts.characters,
            entities=entities,
            empty=int(not counts.is_blank and not entities),
            truncated=int(counts.truncated > 0),
        ),
    )


def _filtered(parts: Mapping[str, Any], labels: frozenset[str]) -> dict[str, Any]:
    """Return the parts with the entities and spans of these labels only."""
    found = dict(parts)
    if "ents" in found:
        found["ents"] = [entity for entity in found["ents"] if entity["label"] in labels]
    if "spans" in found:
        found["spans"] = {
            key: [span for span in group if span["label"] in labels] for key, group in found["spans"].items()
        }
    return found
