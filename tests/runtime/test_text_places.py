"""Offsets into the text as it was sent, whatever the tokenizer made of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.errors import PipelineError
from spacy_lambda.runtime.predictor import Predictor

TEXT = "  The Iron\n\nfilm  and \t Tin\u3000foil. "


def split_words(nlp: Language) -> Callable[[str], Doc]:
    """As in many examples: one space between two words, and one behind the last."""
    return lambda text: Doc(nlp.vocab, words=text.split())


def lower(nlp: Language) -> Callable[[str], Doc]:
    own = nlp.tokenizer
    return lambda text: own(text.lower())


def as_korean(nlp: Language) -> Callable[[str], Doc]:
    """As spaCy's Korean tokenizer: one space for any whitespace, and none behind the last word."""

    def tokenize(text: str) -> Doc:
        words = text.split()
        return Doc(nlp.vocab, words=words, spaces=[True] * (len(words) - 1) + [False] if words else [])

    return tokenize


def first_words(nlp: Language) -> Callable[[str], Doc]:
    return lambda text: Doc(nlp.vocab, words=text.split()[:4])


def keeps(nlp: Language) -> Callable[[str], Doc]:
    """spaCy's own, of another type."""
    return partial(nlp.tokenizer)


def function(tokenizer: Callable[[Language], Callable[[str], Doc]]) -> Predictor:
    nlp = spacy.blank("xx")
    nlp.tokenizer = tokenizer(nlp)
    nlp.add_pipe("sentencizer")
    rules = [{"label": "MATERIAL", "pattern": [{"LOWER": word}]} for word in ("iron", "tin", "i\u0307ron")]
    nlp.add_pipe("entity_ruler").add_patterns(rules)  # type: ignore[attr-defined]
    nlp.add_pipe("groups")
    return Predictor(nlp, {})


@Language.component("groups")
def groups(doc: Doc) -> Doc:
    doc.spans["sc"] = list(doc.ents)
    doc.cats = {"start": 0.25}
    return doc


def places(found: Any) -> list[dict[str, Any]]:
    """All items of a prediction."""
    if isinstance(found, dict):
        return [item for part, items in found.items() if part != "cats" for item in places(items)]
    return list(found)


@pytest.mark.parametrize("tokenizer", [split_words, lower, as_korean, first_words, keeps])
@pytest.mark.parametrize("text", [TEXT, TEXT.strip(), "Tin", "", " \n "], ids=repr)
def test_what_stands_at_the_offsets_is_what_was_found(
    tokenizer: Callable[[Language], Callable[[str], Doc]], text: str
) -> None:
    predictor = function(tokenizer)
    found = predictor.predict(predictor.parse({"text": text, "include": list(DOC_PARTS)}))
    assert found["cats"] == {"start": 0.25}
    for item in places(found):
        assert text[item["start"] : item["end"]] == item["text"]
    names = [name for name in ("Iron", "Tin") if name in text]
    if tokenizer is first_words and "Iron" in names:
        names.remove("Tin")
    assert [(item["text"], item["start"]) for item in found["ents"]] == [(name, text.index(name)) for name in names]
    (words,) = predictor.predict(predictor.parse({"inputs": [text]}))
    assert [item["word"] for item in words] == names


def test_a_text_of_other_characters_has_no_places() -> None:
    predictor = function(lower)
    with pytest.raises(PipelineError, match="the tokenizer made the text") as caught:
        predictor.predict(predictor.parse({"text": "İron and İron"}))
    assert "correct the tokenizer" in caught.value.remedy
    only = predictor.predict(predictor.parse({"text": "İron and İron", "include": ["cats"]}))
    assert only == {"cats": {"start": 0.25}}


@pytest.mark.parametrize(
    ("sent", "made"),
    [("Iron and tin.", "tin. and Iron"), ("x\u200b\u200b y\u2026 Iron", "xy... Iron"), ("Iron film", "film Iron")],
)
def test_as_many_characters_in_another_order_have_no_places(sent: str, made: str) -> None:
    predictor = function(lambda nlp: lambda text: Doc(nlp.vocab, words=made.split()))
    assert len("".join(sent.split())) == len("".join(made.split()))
    with pytest.raises(PipelineError, match="the tokenizer made the text"):
        predictor.predict(predictor.parse({"text": sent}))


@pytest.mark.parametrize(
    ("sent", "made", "place"),
    [
        ("\u0141\xf3d\u017a  Iron", "lodz iron", 6),
        ("In  1984: Iron", "in 0000: iron", 10),
        ("\u6750\u6599  Iron", "\u67d0\u6599 iron", 4),
        ("The  IRON film of tin", "the iron", 5),
    ],
)
def test_other_forms_of_characters_have_places(sent: str, made: str, place: int) -> None:
    predictor = function(lambda nlp: lambda text: Doc(nlp.vocab, words=made.split()))
    (found,) = predictor.predict(predictor.parse({"text": sent}))
    assert (found["text"].lower(), found["start"]) == ("iron", place)


def test_segments_of_a_long_text_have_places_in_the_whole() -> None:
    predictor = function(as_korean)
    text = "Iron  film.\n" * 4000
    found = predictor.predict(predictor.parse({"text": text, "long_text": "split"}))
    assert len(found) == 4000
    assert {text[item["start"] : item["end"]] for item in found} == {"Iron"}
