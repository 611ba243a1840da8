"""Docs -> predictions, in plain values that any JSON encoder accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc, Span

from spacy_lambda.runtime.request import Request
from spacy_lambda.runtime.scores import EntitySource, entity_score, scored

__all__ = ["Json", "doc_prediction"]

Json = Any
"""Strings, numbers, booleans, ``None``, and lists and dictionaries of them."""


def doc_prediction(doc: Doc, request: Request, source: EntitySource) -> Json:
    """Return the prediction of one Doc.

    :param source: The source of the scores in the Hub's shape.
    """
    if request.include is not None:
        return {part: _PARTS[part](doc, request) for part in request.include}
    if request.shape == "ents":
        return [_entity(ent) for ent in doc.ents]
    if source == "spans":
        return [_group(span, score) for group in doc.spans.values() for span, score in scored(group)]
    return [_group(ent, entity_score(ent)) for ent in doc.ents]


def _entity(span: Span) -> dict[str, Json]:
    return {"text": span.text, "label": span.label_, "start": span.start_char, "end": span.end_char}


def _group(span: Span, score: float | None) -> dict[str, Json]:
    """Return entities as the Hub's token classification does; the score is 1.0 if the pipeline has none."""
    return {
        "entity_group": span.label_,
        "word": span.text,
        "start": span.start_char,
        "end": span.end_char,
        "score": 1.0 if score is None else score,
    }


def _entities(doc: Doc, request: Request) -> list[Json]:
    if request.shape == "ents":
        return [_entity(ent) for ent in doc.ents]
    return [_group(ent, entity_score(ent)) for ent in doc.ents]


def _sentences(doc: Doc) -> list[Json]:
    if not doc.has_annotation("SENT_START"):
        return []
    return [{"text": sent.text, "start": sent.start_char, "end": sent.end_char} for sent in doc.sents]


def _tokens(doc: Doc) -> list[Json]:
    return [
        {
            "text": token.text,
            "start": token.idx,
            "end": token.idx + len(token),
            "lemma": token.lemma_,
            "pos": token.pos_,
            "tag": token.tag_,
            "morph": str(token.morph),
            "dep": token.dep_,
            "head": token.head.i,
        }
        for token in doc
    ]


def _spans(doc: Doc, request: Request) -> dict[str, list[Json]]:
    """Return every group; in the default shape with a score where the group has them."""

    def item(span: Span, score: float | None) -> Json:
        if request.shape != "ents":
            return _group(span, score)
        return _entity(span) if score is None else {**_entity(span), "score": score}

    return {key: [item(span, score) for span, score in scored(group)] for key, group in doc.spans.items()}


_PARTS: dict[str, Callable[[Doc, Request], Json]] = {
    "ents": _entities,
    "sents": lambda doc, request: _sentences(doc),
    "tokens": lambda doc, request: _tokens(doc),
    "cats": lambda doc, request: {label: float(score) for label, score in doc.cats.items()},
    "spans": _spans,
}
