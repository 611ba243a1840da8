"""The comparison of entities, and its message."""

from __future__ import annotations

from typing import Any

import pytest
import spacy
from spacy.tokens import Span

from spacy_lambda.testing import assert_same_entities

FOUND = [
    {"text": "iron", "label": "METAL", "start": 9, "end": 13},
    {"text": "glass", "label": "MATERIAL", "start": 20, "end": 25},
]


@pytest.mark.parametrize(
    "expected",
    [
        [("glass", "MATERIAL"), ("iron", "METAL")],
        [["iron", "METAL"], ["glass", "MATERIAL"]],
        [(20, 25, "MATERIAL"), (9, 13, "METAL")],
        FOUND,
        FOUND[::-1],
    ],
)
def test_same_entities(expected: Any) -> None:
    assert_same_entities(FOUND, expected)
    assert_same_entities({"ents": FOUND, "cats": {}}, expected)


def test_the_entities_of_a_doc() -> None:
    doc = spacy.blank("en")("Films of iron")
    doc.set_ents([Span(doc, 2, 3, label="METAL")])
    assert_same_entities(doc, [("iron", "METAL")])
    assert_same_entities([FOUND[0]], doc)
    with pytest.raises(AssertionError):
        assert_same_entities(doc, [])


@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        ([("iron", "METAL")], ["unexpected: ('glass', 'MATERIAL')"]),
        ([*FOUND, ("iron", "METAL")][2:] * 2, ["missing: ('iron', 'METAL')", "unexpected: ('glass', 'MATERIAL')"]),
        ([(9, 14, "METAL"), (20, 25, "MATERIAL")], ["missing: (9, 14, 'METAL')", "unexpected: (9, 13, 'METAL')"]),
        ([], ["unexpected: ('glass', 'MATERIAL', 20, 25)", "unexpected: ('iron', 'METAL', 9, 13)"]),
    ],
)
def test_the_message_shows_what_differs(expected: Any, lines: list[str]) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_same_entities(FOUND, expected)
    _, *shown = str(caught.value).splitlines()
    assert [line.strip() for line in shown] == lines


@pytest.mark.parametrize("expected", ["iron", 3, ["iron"], [("iron",)], [{"text": "iron"}], [("a", "B"), (0, 1, "B")]])
def test_something_else_is_refused(expected: Any) -> None:
    with pytest.raises(TypeError):
        assert_same_entities(FOUND, expected)
