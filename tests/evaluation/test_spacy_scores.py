"""Figures equal those of spaCy's Scorer, for any spans, tokens and missing annotations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.pipeline.spancat import spancat_score
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_lambda.evaluation.job import _of_labels
from spacy_lambda.evaluation.matching import match_spans
from spacy_lambda.evaluation.scores import count_documents, credits_of, ratios
from spacy_lambda.evaluation.spans import spans_of
from tests.evaluation.corpora import SPANS

VOCAB = Vocab()
WORDS = ["thin", "films", "of", "iron", "oxide", "glass"]
OTHER_WORDS = ["thin", "fil", "ms", "of", "ironoxide", "glass"]
"""The same letters in other tokens."""

PLACES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3), st.sampled_from(["A", "B", "C"])), max_size=6)


@st.composite
def examples(draw: st.DrawFn, *, entities: bool) -> Example:
    gold = Doc(VOCAB, words=WORDS, spaces=[True, True, True, False, True, False])
    others = draw(st.booleans())
    words = OTHER_WORDS if others else WORDS
    spaces = [True, False, True, True, True, False] if others else [True, True, True, False, True, False]
    predicted = Doc(VOCAB, words=words, spaces=spaces)
    for doc in (gold, predicted):
        spans = [Span(doc, start, min(start + size, 6), label=label) for start, size, label in draw(PLACES)]
        if not entities:
            if draw(st.booleans()):
                doc.spans[SPANS] = spans
            continue
        taken: set[int] = set()
        chosen = []
        for span in spans:
            if not taken & set(range(span.start, span.end)):
                taken |= set(range(span.start, span.end))
                chosen.append(span)
        missing = doc is gold and draw(st.booleans())
        if doc is predicted or draw(st.booleans()):
            doc.set_ents(chosen, default="missing" if missing else "outside")
    return Example(predicted, gold)


def figures(found: list[Example], key: str | None) -> tuple[Any, dict[str, Any]]:
    """Precision, recall and F1 of all spans, and of each label."""
    documents = [match_spans(one.gold, one.predicted) for one in spans_of(found, key)]
    labels = sorted({label for one in documents for match in one for label in match.labels})
    table = count_documents(documents, labels)
    total = table.split(table.columns.sum(axis=0))
    strict, by_label = ratios(credits_of(total[0], "strict")), ratios(_of_labels(total))
    each = {label: {name: float(getattr(by_label, name)[i]) for name in "prf"} for i, label in enumerate(labels)}
    return tuple(float(getattr(strict, name)) for name in "prf"), each


def check(found: list[Example], key: str | None, expected: dict[str, Any], name: str) -> None:
    total, by_label = figures(found, key)
    of_spacy = [expected[f"{name}_{part}"] for part in "prf"]
    assert total == pytest.approx([value or 0.0 for value in of_spacy])
    per_type = expected.get(f"{name}_per_type") or {}
    # Labels whose spans all lie where nothing is annotated have no figures here, and zeros there.
    assert {label for label, one in per_type.items() if any(one.values())} <= by_label.keys() <= per_type.keys()
    assert all(by_label[label] == pytest.approx(per_type[label]) for label in by_label)


@given(found=st.lists(examples(entities=True), min_size=1, max_size=4))
def test_entities(found: list[Example]) -> None:
    check(found, None, get_ner_prf(found), "ents")


@given(found=st.lists(examples(entities=False), min_size=1, max_size=4))
def test_overlapping_spans(found: list[Example]) -> None:
    check(found, SPANS, spancat_score(found, spans_key=SPANS), f"spans_{SPANS}")
