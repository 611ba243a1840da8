"""Request + Docs -> the answer, in plain values that any JSON encoder takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span

from .requests import Request

__all__ = ["answer"]

Json = Any
"""Strings, numbers, booleans, ``None``, and lists and dictionaries of them."""

PIPED = 2
"""Texts from which on :meth:`Language.pipe` is used."""


def answer(nlp: Language, request: Request) -> Json:
    """Answer a request.

    The Docs live in a memory zone: the strings of one request do not stay in the vocabulary of a process that
    answers for hours (https://spacy.io/api/language#memory_zone).
    """
    with nlp.memory_zone():
        docs: Iterable[Doc]
        docs = nlp.pipe(request.texts) if len(request.texts) >= PIPED else map(nlp, request.texts)
        answers = [_answer_doc(doc, request) for doc in docs]
    return answers[0] if request.single else answers


def _answer_doc(doc: Doc, request: Request) -> Json:
    entity = _entity if request.shape == "ents" else _entity_group
    if request.include is None:
        return [entity(ent) for ent in doc.ents]
    return {part: _PARTS[part](doc, entity) for part in request.include}


def _entity(span: Span) -> dict[str, Json]:
    return {"text": span.text, "label": span.label_, "start": span.start_char, "end": span.end_char}


def _entity_group(span: Span) -> dict[str, Json]:
    """As the Hub's token classification answers; spaCy's ner gives no probability, and the Hub's API said 1.0."""
    return {
        "entity_group": span.label_,
        "word": span.text,
        "start": span.start_char,
        "end": span.end_char,
        "score": 1.0,
    }


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


_PARTS: dict[str, Callable[[Doc, Callable[[Span], Json]], Json]] = {
    "ents": lambda doc, entity: [entity(ent) for ent in doc.ents],
    "sents": lambda doc, entity: _sentences(doc),
    "tokens": lambda doc, entity: _tokens(doc),
    "cats": lambda doc, entity: {label: float(score) for label, score in doc.cats.items()},
    "spans": lambda doc, entity: {key: [entity(span) for span in group] for key, group in doc.spans.items()},
}
