"""Documents -> lines of annotated documents: in the function, in worker processes and in a cluster alike."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_lambda.core.annotation import (
    ANNOTATED_KEYS,
    AnnotateOptions,
    Counts,
    Document,
    carried_name,
    cut_batches,
    encode_line,
    read_documents,
)
from spacy_lambda.errors import OutOfTimeError, RequestError
from spacy_lambda.runtime.events.records import error_of
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import Request

__all__ = ["Annotated", "AnnotatedShard", "annotate_documents", "annotate_shard"]

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


def annotate_shard(lines: Iterable[bytes], predictor: Predictor, options: AnnotateOptions) -> AnnotatedShard:
    """Annotate a shard, or a batch of it: the same lines give the same bytes wherever this runs.

    :param lines: Its documents.
    :raises OutOfTimeError: In a function, if there is not the time for all of them.
    """
    began, counts = time.perf_counter(), Counts()
    results, errors = list[bytes](), list[bytes]()
    for batch in cut_batches(lines, len):
        for annotated in _annotate_batch(list(read_documents(batch)), predictor, options):
            (errors if annotated.failed else results).append(encode_line(annotated.line))
            counts.add(annotated.counts)
    return AnnotatedShard(b"".join(results), b"".join(errors), counts, time.perf_counter() - began)


def annotate_documents(
    documents: Iterable[Document], predictor: Predictor, options: AnnotateOptions
) -> Iterator[Annotated]:
    """Yield annotated documents in order, one for each document.

    A document that cannot be annotated has its error; only an error that is not any document's own ends the iteration.

    :raises OutOfTimeError: In a function, if there is not the time for all of them.
    """
    for batch in cut_batches(documents, _length):
        yield from _annotate_batch(batch, predictor, options)


def _annotate_batch(batch: Sequence[Document], predictor: Predictor, options: AnnotateOptions) -> Iterator[Annotated]:
    requests = [_request(document, predictor, options) for document in batch]
    valid = [request for request in requests if isinstance(request, Request)]
    predictor.capacity.tokenizing.learn(text for request in valid for text in request.texts)
    first = len(predictor.observation.texts)
    outcomes = iter(predictor.predict_each(valid))
    counts = iter(predictor.observation.texts[first:])
    for document, request in zip(batch, requests, strict=True):
        outcome = next(outcomes) if isinstance(request, Request) else request
        if isinstance(outcome, OutOfTimeError):
            raise outcome
        if isinstance(outcome, Exception):
            yield _failed(document, _error(outcome, document.text))
        elif isinstance(request, Request):
            yield _succeeded(document, outcome, next(counts), options)
        else:
            yield _failed(document, outcome)


def _length(document: Document) -> int:
    return len(document.text) if isinstance(document.text, str) else 0


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
