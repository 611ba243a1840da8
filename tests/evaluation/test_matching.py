"""Pairs of spans and their kinds, and the figures of SemEval's schemes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.evaluation.matching import KINDS, match_spans
from spacy_lambda.evaluation.scores import SCHEMES, categories, count_documents, credits_of, ratios
from spacy_lambda.evaluation.spans import LabelledSpan
from tests.evaluation.corpora import span

PLACES = st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from("AB"))
SPANS = st.lists(PLACES.map(lambda one: span(one[0], one[0] + one[1], one[2])), max_size=5, unique=True)


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([span(0, 4, "A")], [span(0, 4, "A")], ["correct"]),
        ([span(0, 4, "A")], [span(0, 4, "B")], ["label"]),
        ([span(0, 4, "A")], [span(2, 6, "A")], ["bounds"]),
        ([span(0, 4, "A")], [span(2, 6, "B")], ["both"]),
        ([span(0, 4, "A")], [span(4, 6, "A")], ["missed", "spurious"]),
        ([span(0, 4, "A")], [], ["missed"]),
        ([], [span(0, 4, "A")], ["spurious"]),
        # One span is paired once: the rest of what it was split into is spurious.
        ([span(0, 9, "A")], [span(0, 3, "A"), span(4, 9, "A")], ["spurious", "bounds"]),
        # The same bounds come before a larger number of equal labels, and equal labels before a larger overlap.
        ([span(0, 4, "A"), span(0, 9, "B")], [span(0, 9, "A")], ["label", "missed"]),
        ([span(0, 9, "A")], [span(0, 8, "B"), span(7, 9, "A")], ["spurious", "bounds"]),
        # Nested spans of a span categorizer.
        ([span(0, 4, "A"), span(0, 9, "A")], [span(0, 9, "A"), span(5, 9, "A")], ["missed", "correct", "spurious"]),
    ],
)
def test_kinds(gold: list[LabelledSpan], predicted: list[LabelledSpan], kinds: list[str]) -> None:
    assert sorted(match.kind for match in match_spans(gold, predicted)) == sorted(kinds)


@given(gold=SPANS, predicted=SPANS)
def test_each_span_is_in_one_pair_and_equal_ones_are_correct(
    gold: list[LabelledSpan], predicted: list[LabelledSpan]
) -> None:
    matches = match_spans(gold, predicted)
    assert Counter(match.gold for match in matches if match.gold) == Counter(gold)
    assert Counter(match.predicted for match in matches if match.predicted) == Counter(predicted)
    assert sum(match.kind == "correct" for match in matches) == len({*gold} & {*predicted})
    assert matches == match_spans(gold[::-1], predicted[::-1])


def test_schemes_give_the_figures_of_their_definition() -> None:
    """Six annotated and six predicted spans: one pair of each kind, and a second correct one."""
    kinds = dict(zip(KINDS, (2, 1, 1, 1, 1, 1), strict=True))
    numbers = np.array([float(kinds[kind]) for kind in KINDS])
    found = {scheme: ratios(credits_of(numbers, scheme)) for scheme in SCHEMES}
    assert {scheme: float(one.p) for scheme, one in found.items()} == pytest.approx(
        {"strict": 2 / 6, "exact": 3 / 6, "partial": (3 + 0.5 * 2) / 6, "type": 3 / 6}
    )
    assert all(float(one.p) == float(one.r) == pytest.approx(float(one.f)) for one in found.values())
    assert categories(kinds, "partial") == {"correct": 3, "incorrect": 0, "partial": 2, "missing": 1, "spurious": 1}


def test_documents_are_counted_by_label() -> None:
    documents = [match_spans([span(0, 4, "A"), span(5, 9, "B")], [span(0, 4, "A"), span(5, 9, "A")]), []]
    table = count_documents(documents, ["A", "B"])
    assert table.gold.tolist() == [[1, 1], [0, 0]]
    assert table.predicted.tolist() == [[2, 0], [0, 0]]
    assert table.correct.tolist() == [[1, 0], [0, 0]]
    kinds, gold, predicted, correct = table.split(table.columns)
    assert all(np.array_equal(one, other) for one, other in ((kinds, table.kinds), (gold, table.gold)))
    assert all(np.array_equal(one, other) for one, other in ((predicted, table.predicted), (correct, table.correct)))
