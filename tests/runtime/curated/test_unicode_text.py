"""Normal forms, accents and punctuation, compared with Python's slower ways."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.runtime.curated import unicode_text
from spacy_lambda.runtime.curated.unicode_text import NormalForm, normalize, split_at_punctuation

FORMS: list[NormalForm] = ["NFC", "NFD", "NFKC", "NFKD"]
COMBINING = "".join(char for char in map(chr, range(0x250, 0x11000)) if unicodedata.combining(char))
TEXTS = st.text(alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(COMBINING + "aeé가각ﬁ")))


@given(text=TEXTS, form=st.sampled_from(FORMS))
def test_a_long_text_gets_the_same_normal_form(text: str, form: NormalForm) -> None:
    assert unicodedata.normalize(form, unicode_text._decompose(form, text)) == unicodedata.normalize(form, text)


@pytest.mark.timeout(60)  # Python's own takes the square of the length
@pytest.mark.parametrize("form", FORMS)
def test_a_long_run_of_combining_characters(form: NormalForm) -> None:
    text = "a" + "\u0301\u0323" * 50_000
    decomposed = "\u0323" * 50_000 + "\u0301" * 50_000
    expected = "a" + decomposed if form in ("NFD", "NFKD") else "\u1ea1" + decomposed[1:]
    assert normalize(form, text) == expected


def test_punctuation() -> None:
    assert list(split_at_punctuation("AWO-Mitarbeiter")) == ["AWO", "-", "Mitarbeiter"]
    assert list(split_at_punctuation("--a…")) == ["-", "-", "a", "…"]
    assert list(split_at_punctuation("")) == []


def test_no_letter_or_digit_is_punctuation() -> None:
    """Words of these only are not looked at character by character."""
    assert not [char for char in map(chr, range(0x110000)) if char.isalnum() and unicode_text._is_punctuation(char)]
