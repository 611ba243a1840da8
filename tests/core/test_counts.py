"""Numbers of things agree with their nouns."""

from __future__ import annotations

import pytest

from spacy_lambda.core.counts import count


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [(0, "text", "0 texts"), (1, "golden test", "1 golden test"), (1_200, "golden test", "1,200 golden tests")],
)
def test_a_count_agrees_with_its_noun(number: int, noun: str, text: str) -> None:
    assert count(number, noun) == text
    assert count(2, "query", "queries") == "2 queries"
