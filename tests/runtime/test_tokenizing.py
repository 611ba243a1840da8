"""Hard texts: the tokens that spaCy makes, without the square of their length; or a refusal."""

from __future__ import annotations

import base64
import random
import re
from functools import cache
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.runtime.affixes import anchored_prefix_search, anchored_suffix_search, linear_url_match
from spacy_lambda.runtime.tokenizing import EASY_STEPS, MAX_RUN, Tokenizing, TokenizingCost, tokenizing_cost
from tests.profiles import examples

LANGUAGES = ["en", "de", "fr", "es", "ru", "tr", "hu", "ar", "hi", "xx"]
QUICK = ("en", "hi", "xx")
"""Languages that run in quick runs too."""
PUNCTUATION = [*"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~…—–“”‘’«»。，！？、；：～·¿¡§£€°©™←■★♥", "🔥", "👩🏽‍🔬", "🇩🇪"]
PARTS = [
    *PUNCTUATION,
    *(
        "a",
        "B",
        "1",
        "é",
        "中",
        "km",
        "'s",
        "°C.",
        "US$",
        "...",
        "..",
        "http://",
        "www.",
        ".com",
        "x@y.de",
        ":)",
        "can't",
    ),
    *("e.g.", "\u0301", "\u200d", "\n", "\n\n", "\t", "  ", "\u00a0", "\u3000", " "),
]

parts = st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from([1, 1, 1, 2, 3, 17, 70])), max_size=12)


@cache
def pipeline(language: str) -> Language:
    return spacy.blank(language)


@cache
def tokenizing(language: str) -> Tokenizing:
    made = Tokenizing(pipeline(language))
    made.cost("=" * 300)
    assert made._fast is not None
    return made


def tokens(doc: Doc) -> list[tuple[str, str, str]]:
    return [(token.text, token.whitespace_, token.norm_) for token in doc]


@pytest.mark.parametrize(
    "language", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in LANGUAGES]
)
@settings(max_examples=examples(30))
@given(pieces=parts)
def test_the_faster_tokenizer_makes_the_same_tokens(language: str, pieces: list[tuple[str, int]]) -> None:
    text = "".join(part * count for part, count in pieces)
    hard = TokenizingCost(max_steps=EASY_STEPS + 1)
    assert tokens(tokenizing(language).make_doc(text, hard)) == tokens(pipeline(language).make_doc(text))


@settings(max_examples=examples(100))
@given(text=st.text(max_size=200))
def test_of_any_text_too(text: str) -> None:
    hard = TokenizingCost(max_steps=EASY_STEPS + 1)
    assert tokens(tokenizing("en").make_doc(text, hard)) == tokens(pipeline("en").make_doc(text))


@pytest.mark.parametrize("sign", PUNCTUATION)
def test_runs_of_every_sign(sign: str) -> None:
    for text in (sign * 300, "a" + sign * 200 + "b", "iron " + "x" * 50 + sign * 150):
        hard = tokenizing("en").cost(text)
        assert tokens(tokenizing("en").make_doc(text, hard)) == tokens(pipeline("en").make_doc(text))


@pytest.mark.parametrize(
    "text",
    [
        "=" * 9_000,
        "🔥" * 5_000,
        "a" + "." * 3_000 + "a" + "!" * 3_000,
        "!" * 3_000 + "a" + "." * 3_000 + "a",
        "a:@" * 6_000,
        "aaaaaaaaaaaa:" * 2_000,
        "(" * 4_000 + "a" * 4_000,
        ("=" * 100 + " ") * 100,
    ],
    ids=lambda text: f"{text[:5]}x{len(text)}",
)
def test_what_took_seconds_or_minutes_is_tokenized(text: str) -> None:
    made = tokenizing("en")
    hard = made.cost(text)
    assert hard.max_steps > EASY_STEPS
    assert made.check("text", hard) is None
    assert made.make_doc(text, hard).text == text


@pytest.mark.parametrize("sign", ["=", "!", "'", "(", "_", ":", "🔥", "。"])
def test_longer_runs_are_refused_before_they_are_tokenized(sign: str) -> None:
    text = "An iron " + sign * 30_000
    refusal = tokenizing("en").check("texts[7]", tokenizing("en").cost(text))
    assert refusal is not None
    assert (refusal.key, refusal.status) == ("texts[7]", 413)
    assert '"texts[7]" has 30,000 characters without whitespace at character 8' in refusal.message
    assert "the limit is 10,000" in refusal.message


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(random.Random(1).randbytes(60_000)).decode(),
        "https://example.org/" + "path/to-a_page?with=many&signs=%20+" * 500,
        "data:image/png;base64," + "iVBORw0KGgo+" * 4_000,
        '{"key":[1,"value",null,true],"other":"text"},' * 800,
        "中文文本没有空格，但是有标点。" * 2_000,
        "ภาษาไทยไม่มีช่องว่าง" * 1_500,
        "x" * 50_000,
        "-" * 20_000,
        "." * 20_000,
        "| a | b |\n" * 2_000 + "=" * 200,
    ],
    ids=lambda text: text[:12],
)
def test_ordinary_texts_without_spaces_pass(text: str) -> None:
    made = tokenizing("en")
    hard = made.cost(text)
    assert made.check("text", hard) is None
    assert tokens(made.make_doc(text, hard)) == tokens(pipeline("en").make_doc(text))


def test_of_ordinary_texts_nothing_is_hard() -> None:
    text = "Thin films of iron oxide were grown (at 600 °C) on silicon; see https://example.org/a?b=c. " * 50
    assert tokenizing("en").cost(text) == TokenizingCost()
    assert tokenizing_cost("a-b " * 1000) == TokenizingCost()


@pytest.mark.parametrize("language", ["el", pytest.param("id", marks=pytest.mark.slow)])
def test_where_the_expressions_are_others_the_limit_is_lower(language: str) -> None:
    made = Tokenizing(pipeline(language))
    assert made.check("text", made.cost("=" * 1_000)) is None
    assert made._fast is None
    refusal = made.check("text", made.cost("=" * 3_000))
    assert refusal is not None
    assert f"the limit is {MAX_RUN[False]:,}" in refusal.message


@pytest.mark.parametrize(
    ("language", "text", "length"), [("en", ("(" * 4_000 + "a ") * 9, 4_001), ("el", "." * 500, 500)]
)
def test_a_run_within_the_limit_is_not_said_to_be_beyond_it(language: str, text: str, length: int) -> None:
    made = Tokenizing(pipeline(language))
    refusal = made.check("text", made.cost(text))
    assert refusal is not None
    found = re.search(r"has ([\d,]+) characters.* the time of ([\d,]+); the limit is ([\d,]+)$", refusal.message)
    assert found is not None
    shown, time, limit = (int(number.replace(",", "")) for number in found.groups())
    assert shown == length < limit < time


@pytest.mark.parametrize("expression", [r"a|^b", r"(?m)^a", "", r"(^a|b)"])
def test_prefixes_that_are_not_anchored_are_left_as_they_are(expression: str) -> None:
    assert anchored_prefix_search(re.compile(expression).search) is None


@pytest.mark.parametrize(
    "expression", [r"a$|b", r"\(.*\)$", r"[ab]+$", r"(a)\1$", r"a", r"(?m)a$", r"ab+$", r".{2000}$"]
)
def test_suffixes_whose_width_is_not_known_are_left_as_they_are(expression: str) -> None:
    assert anchored_suffix_search(re.compile(expression).search) is None


@pytest.mark.parametrize("search", [None, len, lambda text: None])
def test_searches_that_are_not_expressions_are_unchanged(search: Any) -> None:
    assert anchored_prefix_search(search) is anchored_suffix_search(search) is linear_url_match(search) is None


class Fussy:
    """A tokenizer of another kind, which takes no long texts."""

    def __init__(self, nlp: Language) -> None:
        self.nlp = nlp

    def __call__(self, text: str) -> Doc:
        if len(text) > 1_000:
            raise ValueError("Input is too long, it can't be more than 49149 bytes")
        return Doc(self.nlp.vocab, words=text.split())


def test_what_another_tokenizer_does_not_take_is_a_refusal() -> None:
    from spacy_lambda.errors import RequestError
    from spacy_lambda.runtime.predictor import Predictor

    nlp = spacy.blank("en")
    nlp.tokenizer = Fussy(nlp)
    function = Predictor(nlp, {})
    assert function.predict(function.parse({"texts": ["=" * 500]})) == [[]]
    with pytest.raises(RequestError, match="can't be more than") as caught:
        function.predict(function.parse({"texts": ["a", "b " * 1_000]}))
    assert (caught.value.key, caught.value.status) == ("texts[1]", 413)


def test_a_broken_tokenizer_is_not_an_error_of_the_text() -> None:
    from spacy_lambda.runtime.predictor import Predictor

    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: 1 / 0  # type: ignore[return-value]
    function = Predictor(nlp, {})
    with pytest.raises(ZeroDivisionError):
        function.predict(function.parse({"text": "iron"}))
