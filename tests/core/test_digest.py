"""Digests: exactly one form is accepted, from any sender."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.core.digest import Digest, is_digest, parse_digest
from spacy_lambda.errors import DigestError, SpacyLambdaError

GOOD = "0123456789abcdef" * 4


class Text(str):
    """A string that may say of itself what it likes."""


WRONG: list[object] = [
    *("", " ", ".", "..", "../x", "/", "/some/folder", "latest", "0", "\0" * 64),
    *(GOOD.upper(), GOOD[:-1], GOOD + "0", GOOD + "\n", "\n" + GOOD, f" {GOOD}", GOOD[:-1] + "g"),
    *(f"sha256:{GOOD}", f"0x{GOOD[2:]}", "٠" * 64, "ａ" * 64, "\ud800" * 64, "../" + GOOD[3:], "a" * 10**6),
    *(None, True, 0, 1.5, int("1" * 64), GOOD.encode(), bytearray(GOOD.encode()), [GOOD], {GOOD: GOOD}, Text(GOOD)),
]


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
def test_other_values_are_refused(value: object) -> None:
    assert not is_digest(value)
    with pytest.raises(DigestError) as caught:
        parse_digest(value, name="the record's sha256")
    assert isinstance(caught.value, SpacyLambdaError)
    assert caught.value.message.startswith("the record's sha256 is ")
    assert len(caught.value.message) < 700
    assert caught.value.message.isprintable()
    assert "64 lower-case" in caught.value.remedy


@given(st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_digests_are_accepted_as_they_are(text: str) -> None:
    digest: Digest = parse_digest(text, name="x")
    assert digest == text


@given(st.text())
def test_texts_at_random(text: str) -> None:
    assert is_digest(text) == (len(text) == 64 and set(text) <= set("0123456789abcdef"))
