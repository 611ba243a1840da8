"""The comparison of entities, and its message."""

from __future__ import annotations

from typing import Any

import pytest
import spacy
from spacy.tokens import Span

from spacy_lambda.client.invocation import FunctionError, Invocation
from spacy_lambda.testing import assert_no_failures, assert_same_entities

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
        [("glass", "MATERIAL"), FOUND[0]],
        [["glass", "MATERIAL"], (9, 13, "METAL")],
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
        (
            [("iron", "METAL"), (20, 26, "MATERIAL")],
            ["missing: (20, 26, 'MATERIAL')", "unexpected: ('glass', 'MATERIAL', 20, 25)"],
        ),
        ([], ["unexpected: ('glass', 'MATERIAL', 20, 25)", "unexpected: ('iron', 'METAL', 9, 13)"]),
    ],
)
def test_the_message_shows_what_differs(expected: Any, lines: list[str]) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_same_entities(FOUND, expected)
    _, *shown = str(caught.value).splitlines()
    assert [line.strip() for line in shown] == lines


def test_of_mixed_forms_one_that_fits_several_entities_takes_what_is_left() -> None:
    again = {**FOUND[0], "start": 30, "end": 34}
    expected = [("iron", "METAL"), (9, 13, "METAL")]
    assert_same_entities([FOUND[0], again], expected)
    assert_same_entities([again, FOUND[0]], expected)
    with pytest.raises(AssertionError, match="missing: \\('iron', 'METAL'\\)"):
        assert_same_entities([FOUND[0]], expected)


def invocation(answer: Any, error: FunctionError | None = None) -> Invocation:
    return Invocation(
        answer=answer,
        error=error,
        status=200,
        executed_version="1",
        request_id="r",
        log_tail="message 1: OutputError\n",
    )


@pytest.mark.parametrize("answer", [{"batchItemFailures": []}, [], None, {"key": "0", "answer": []}])
def test_no_failures(answer: Any) -> None:
    assert_no_failures(invocation(answer))


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (invocation({"batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-2"}]}), "m-1, m-2"),
        (
            invocation({}, FunctionError(error_type="Sandbox.Timedout", message="after 2 s")),
            "Sandbox.Timedout: after 2 s",
        ),
    ],
)
def test_failures_are_shown_with_the_log(found: Invocation, line: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_no_failures(found)
    first, *log = str(caught.value).splitlines()
    assert first.endswith(line)
    assert log == ["message 1: OutputError"]


@pytest.mark.parametrize("expected", ["iron", 3, ["iron"], [("iron",)], [{"text": "iron"}], [("a", "B"), ("a",)]])
def test_something_else_is_refused(expected: Any) -> None:
    with pytest.raises(TypeError):
        assert_same_entities(FOUND, expected)
