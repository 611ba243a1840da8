"""Labelled spans of a document: annotated ones, and predicted ones in the annotated Doc's places.

Spans are taken as spaCy's Scorer takes them, so that figures are equal to its own: predicted spans are aligned with the
annotated tokens; those that cannot be, or that lie where annotations are missing, do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_lambda.errors import CorpusError

__all__ = ["ENTITIES", "DocumentSpans", "LabelledSpan", "chosen_key", "spans_of"]

ENTITIES = "ents"
MISSING = 0
"""``ent_iob`` of a token without annotation."""


@dataclass(frozen=True, order=True)
class LabelledSpan:
    """A span with its label; offsets in characters."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class DocumentSpans:
    """Spans of one document, sorted.

    :param document: Its number in the corpus.
    """

    document: int
    gold: tuple[LabelledSpan, ...]
    predicted: tuple[LabelledSpan, ...]


def chosen_key(golds: Sequence[Doc], wanted: str | None) -> str | None:
    """Return the key of ``doc.spans`` that is evaluated, or ``None`` for ``doc.ents``.

    :param wanted: The user's; otherwise entities, or the only key with spans of a corpus that has no entities.
    :raises CorpusError: If no document has the user's.
    """
    keys = sorted({key for doc in golds for key in doc.spans})
    if wanted is not None and wanted not in keys:
        known = f"choose from {', '.join(keys)}" if keys else "leave out --spans-key: the corpus has no spans"
        raise CorpusError(f"no document has spans of the key {wanted!r}", remedy=known)
    if wanted is None and not any(doc.ents for doc in golds):
        used = sorted({key for doc in golds for key, group in doc.spans.items() if len(group)})
        return used[0] if len(used) == 1 else None
    return wanted


def spans_of(
    examples: Sequence[Example], key: str | None, *, numbers: Sequence[int] | None = None
) -> Iterator[DocumentSpans]:
    """Yield the spans of each document that is annotated.

    :param key: Key of ``doc.spans``; ``None`` for ``doc.ents``.
    :param numbers: Numbers of the documents in the corpus, if some have no example.
    """
    for number, example in zip(numbers or range(len(examples)), examples, strict=True):
        gold = example.reference
        if key is None and gold.has_annotation("ENT_IOB"):
            yield DocumentSpans(number, _labelled(gold.ents), _labelled(_aligned_entities(example)))
        elif key is not None and key in gold.spans:
            group = example.predicted.spans.get(key, [])
            aligned = example.get_aligned_spans_x2y(group, True)
            yield DocumentSpans(number, *(tuple(dict.fromkeys(_labelled(one))) for one in (gold.spans[key], aligned)))


def _labelled(spans: Iterable[Span]) -> tuple[LabelledSpan, ...]:
    return tuple(sorted(LabelledSpan(span.start_char, span.end_char, span.label_) for span in spans))


def _aligned_entities(example: Example) -> Iterator[Span]:
    gold, to_gold = example.reference, example.alignment.x2y
    for entity in example.predicted.ents:
        indices = to_gold[entity.start : entity.end]
        if len(indices):
            span = gold[int(indices[0]) : int(indices[-1]) + 1]
            if all(token.ent_iob != MISSING for token in span):
                yield Span(gold, span.start, span.end, label=entity.label_)
