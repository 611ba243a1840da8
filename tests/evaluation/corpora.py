"""Pipelines of rules, and corpora that are annotated by offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_lambda.evaluation.spans import LabelledSpan

SPANS = "sc"
TEXTS = ("iron on glass", "iron oxide and glass, heat treated", "a glass <b>vessel</b> & heat", "nothing in here")
ENTITIES: tuple[tuple[tuple[int, int, str], ...], ...] = (
    ((0, 4, "MATERIAL"), (8, 13, "MATERIAL")),
    ((0, 10, "MATERIAL"), (15, 20, "MATERIAL"), (22, 34, "PROCESS")),
    ((2, 7, "TASK"),),
    (),
)
"""The annotated entities of the texts: two correct, one with wrong bounds and another with both, …"""

RULES: Mapping[str, str] = {"iron": "MATERIAL", "glass": "MATERIAL", "heat": "PROCESS"}


def span(start: int, end: int, label: str) -> LabelledSpan:
    """A labelled span."""
    return LabelledSpan(start, end, label)


def write_rules(folder: Path, rules: Mapping[str, str] = RULES, *, name: str = "rules") -> str:
    """Write a pipeline that finds words, and return its folder."""
    nlp = spacy.blank("xx")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": word} for word, label in rules.items()])
    nlp.meta["name"] = name
    nlp.to_disk(folder)
    return str(folder)


def write_corpus(
    path: Path,
    texts: Sequence[str] = TEXTS,
    entities: Sequence[Sequence[tuple[int, int, str]]] = ENTITIES,
    *,
    key: str | None = None,
    cats: Mapping[str, float] | None = None,
) -> Path:
    """Write a corpus, and return its path.

    :param key: Annotate ``doc.spans`` rather than entities.
    """
    nlp = spacy.blank("xx")
    docs = []
    for text, places in zip(texts, entities, strict=True):
        doc = nlp.make_doc(text)
        spans = [_char_span(doc, *place) for place in places]
        if key is None and cats is None:
            doc.set_ents(spans)
        elif key is not None:
            doc.spans[key] = spans
        doc.cats = dict(cats or {})
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)
    return path


def _char_span(doc: Doc, start: int, end: int, label: str) -> Span:
    found = doc.char_span(start, end, label)
    assert found is not None
    return found
