"""The largest text that a function answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.core.lambda_limits import RESPONSE_BYTES
from spacy_lambda.errors import SizingError
from spacy_lambda.sizing.payload import Growth, check_payload, largest_text, text_of
from spacy_lambda.sizing.texts import BUILT_IN_TEXTS, Texts
from tests.sizing.checked import FakeFunction


def test_the_largest_text_is_computed_and_sent() -> None:
    function = FakeFunction(9000)
    found = check_payload(function.invoke, BUILT_IN_TEXTS)
    assert (found.status, function.sent) == ("ok", [500, 4000, 9000])
    assert found.detail.startswith("a text of 9,000 characters is answered in")
    assert found.detail.endswith("the function's own limit is 9,000 characters for a text")


def test_the_response_may_be_what_limits_a_text() -> None:
    function = FakeFunction(5_000_000)
    found = check_payload(function.invoke, BUILT_IN_TEXTS)
    assert function.sent[-1] == pytest.approx(RESPONSE_BYTES / 10, rel=1e-3)
    assert found.detail.endswith(f"a response has at most {RESPONSE_BYTES:,} bytes")


def test_a_smaller_text_is_sent_if_the_largest_one_fails() -> None:
    function = FakeFunction(10_000, breaks_at=7000)
    found = check_payload(function.invoke, BUILT_IN_TEXTS)
    assert (found.status, function.sent[2:]) == ("warning", [10_000, 8000, 6400])
    assert "one of 10,000 fails: Task timed out" in found.detail
    assert check_payload(FakeFunction(10_000, breaks_at=4000).invoke, BUILT_IN_TEXTS).status == "fails"
    with pytest.raises(SizingError, match="a text of 500 characters fails"):
        check_payload(FakeFunction(10_000, breaks_at=100).invoke, BUILT_IN_TEXTS)


@given(st.floats(0, 1000), st.floats(0, 1000), st.integers(1, 10**7))
def test_the_largest_text_is_within_every_limit(request: float, response: float, own: int) -> None:
    size, _ = largest_text(Growth(20, request), Growth(2, response), own)
    assert 0 <= size <= own
    assert 2 + size * response <= RESPONSE_BYTES + 1


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1), st.integers(1, 500))
def test_a_text_of_any_length(parts: list[str], length: int) -> None:
    assert len(text_of(Texts("", tuple(parts)), length)) == length
