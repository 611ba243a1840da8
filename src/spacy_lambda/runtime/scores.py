"""Scores of entities and spans, where the pipeline has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.util import minibatch

from spacy_lambda.runtime.labels import declares_entities

__all__ = [
    "BeamScores",
    "EntitySource",
    "ScoreKind",
    "entity_score",
    "entity_source",
    "keep_scores",
    "score_kind",
    "scored",
]

EntitySource = Literal["ents", "spans"]

ScoreKind = Literal["constant 1.0", "beam", "spancat"]
"""Sources of the scores in the Hub's shape: none; the probability of all analyses of a beam that have the entity; or a
span categorizer."""

CONSTANT = 1.0

_KEY = "spacy_lambda.entity_scores"


class BeamScores:
    """A recognizer that searches with a beam, and also keeps how probable its entities are.

    :param component: The recognizer; everything else is delegated to it.
    """

    def __init__(self, component: Any) -> None:
        self.component = component

    def __getattr__(self, name: str) -> Any:
        if name == "component":  # not yet there, while it is copied
            raise AttributeError(name)
        return getattr(self.component, name)

    def __call__(self, doc: Doc) -> Doc:
        """Recognize the entities of one Doc; it is changed in place and returned."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Recognize the entities of a stream of Docs, in order.

        :param batch_size: Docs that are searched together.
        """
        batches: Iterator[list[Doc]] = minibatch(stream, batch_size)  # type: ignore[no-untyped-call]
        for docs in batches:
            beams = self.component.predict(docs)
            self.component.set_annotations(docs, beams)
            if any(map(len, docs)):  # otherwise there are no beams
                for doc, scores in zip(docs, self.component.scored_ents(beams), strict=True):
                    doc.user_data[_KEY] = {_score_key(*entity): float(score) for entity, score in scores.items()}
            yield from docs


def keep_scores(nlp: Language) -> None:
    """Have every recognizer with a beam keep its scores."""
    for index, (name, component) in enumerate(nlp._components):
        if _has_beam(component) and not isinstance(component, BeamScores):
            nlp._components[index] = (name, BeamScores(component))


def entity_source(nlp: Language) -> EntitySource:
    """Return the source of the Hub's shape: entities, or the spans of a pipeline without entities."""
    has_spans = any("doc.spans" in nlp.get_pipe_meta(name).assigns for name in nlp.pipe_names)
    return "spans" if has_spans and not declares_entities(nlp) else "ents"


def score_kind(nlp: Language) -> ScoreKind:
    """Return the kind of scores in the Hub's shape."""
    if entity_source(nlp) == "spans":
        return "spancat" if any("spancat" in _factory(nlp, name) for name in nlp.pipe_names) else "constant 1.0"
    return "beam" if any(isinstance(component, BeamScores) for _, component in nlp.pipeline) else "constant 1.0"


def entity_score(span: Span) -> float:
    """Return the probability of an entity, 1.0 where the pipeline has none."""
    scores = span.doc.user_data.get(_KEY, {})
    return float(scores.get(_score_key(span.start, span.end, span.label_), CONSTANT))


def scored(group: SpanGroup) -> Sequence[tuple[Span, float | None]]:
    """Return the spans of a group with their scores, or with ``None`` if it has none."""
    spans = list(group)
    scores: Any = group.attrs.get("scores")
    if not hasattr(scores, "__len__") or len(scores) != len(spans):
        return [(span, None) for span in spans]
    return [(span, _number(score)) for span, score in zip(spans, scores, strict=True)]


def _number(score: Any) -> float:
    """Return a score as a number; ``spancat_singlelabel`` gives each as an array of one."""
    return float(score.item() if hasattr(score, "item") else score)


def _score_key(start: int, end: int, label: str) -> str:
    """Return the key of an entity's score: a string, because ``Doc.to_bytes`` cannot keep tuples."""
    return f"{start}:{end}:{label}"


def _has_beam(component: Any) -> bool:
    config = getattr(component, "cfg", None)
    is_beam = isinstance(config, dict) and config.get("beam_width", 1) > 1
    return is_beam and hasattr(component, "scored_ents")


def _factory(nlp: Language, name: str) -> str:
    return nlp.get_pipe_meta(name).factory
