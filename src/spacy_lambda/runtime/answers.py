"""Request + Docs -> the answer, in plain values that any JSON encoder takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span

from .requests import Request
from .splitting import Piece, merge_answers, split_text
from .telemetry.observation import TextCounts, count_text

__all__ = ["answer_all"]

Json = Any
"""Strings, numbers, booleans, ``None``, and lists and dictionaries of them."""

PIPED = 2
"""Texts from which on :meth:`Language.pipe` is used."""


def answer_all(nlp: Language, requests: Sequence[Request]) -> tuple[list[Json], list[TextCounts]]:
    """Answer several requests, all their texts at once; and count each text.

    The Docs live in a memory zone: the strings of one request do not stay in the vocabulary of a process that
    answers for hours (https://spacy.io/api/language#memory_zone).
    """
    counts: list[TextCounts] = []

    def answered(pieces: Sequence[Piece], docs: Sequence[Doc], request: Request) -> Json:
        counts.append(count_text(docs))
        return merge_answers(pieces, [_answer_doc(doc, request) for doc in docs])

    split = [[split_text(text, nlp.max_length) for text in request.texts] for request in requests]
    texts = [piece.text for pieces_of_texts in split for pieces in pieces_of_texts for piece in pieces]
    with _memory_zone(nlp):
        docs: Iterable[Doc] = iter(nlp.pipe(texts) if len(texts) >= PIPED else map(nlp, texts))
        answers = [
            [answered(pieces, list(islice(docs, len(pieces))), request) for pieces in pieces_of_texts]
            for request, pieces_of_texts in zip(requests, split, strict=True)
        ]
    return [found[0] if request.single else found for found, request in zip(answers, requests, strict=True)], counts


@contextmanager
def _memory_zone(nlp: Language) -> Iterator[None]:
    """A zone that also ends when the pipeline fails: before spaCy 3.8.13, the vocabulary then kept what was freed."""
    failed: Exception | None = None
    with nlp.memory_zone():
        try:
            yield
        except Exception as exc:
            failed = exc
    if failed is not None:
        raise failed


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
