"""Every event shape, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.request import Request, parse_request

LIMIT = 20


def request(texts: tuple[str, ...], *, single: bool, shape: Any = "ents", include: Any = None) -> Request:
    return Request(texts=texts, single=single, shape=shape, include=include)


@pytest.mark.parametrize("include", [None, (), ("ents",), DOC_PARTS], ids=str)
@pytest.mark.parametrize(
    ("event", "texts", "single", "shape"),
    [
        ({"text": "Iron."}, ("Iron.",), True, "ents"),
        ({"text": ""}, ("",), True, "ents"),
        ({"texts": ["Iron.", "", "Tin."]}, ("Iron.", "", "Tin."), False, "ents"),
        ({"texts": []}, (), False, "ents"),
        ({"inputs": "Iron."}, ("Iron.",), True, "token-classification"),
        ({"inputs": ["Iron."]}, ("Iron.",), False, "token-classification"),
        ({"text": "x" * LIMIT}, ("x" * LIMIT,), True, "ents"),
        ({"text": "𝛼🧑‍🔬"}, ("𝛼🧑‍🔬",), True, "ents"),
    ],
)
def test_requests(event: dict[str, Any], texts: tuple[str, ...], single: bool, shape: str, include: Any) -> None:
    if include is not None:
        event = {**event, "include": list(include)}
    assert parse_request(event, max_length=LIMIT) == request(texts, single=single, shape=shape, include=include)


def test_included_parts_are_named_once() -> None:
    found = parse_request({"text": "", "include": ["sents", "ents", "sents"]}, max_length=LIMIT)
    assert found.include == ("sents", "ents")


@pytest.mark.parametrize(
    ("event", "key", "message", "remedy"),
    [
        (None, None, "the event is null, not an object", '"text"'),
        ("Iron.", None, "the event is a string, not an object", '"text"'),
        ([], None, "the event is a list, not an object", '"text"'),
        (True, None, "the event is a boolean", '"text"'),
        ({}, "text", 'the key "text" is missing', '"texts"'),
        ({"include": ["ents"]}, "text", 'the key "text" is missing', '"texts"'),
        ({"txet": "Iron."}, "txet", "unknown key 'txet'", 'did you mean "text"?'),
        ({"text": "Iron.", "lang": "en"}, "lang", "unknown key 'lang'", "known keys: text, texts"),
        (
            {"text": "Iron.", "texts": []},
            "texts",
            "the keys 'text' and 'texts' exclude each other",
            "only one",
        ),
        ({"text": None}, "text", '"text" is null, not a string', "send a string"),
        ({"text": 3}, "text", '"text" is a number', "send a string"),
        ({"text": True}, "text", '"text" is a boolean', "send a string"),
        ({"text": ["Iron."]}, "text", '"text" is a list', 'send a string, or several as "texts"'),
        ({"text": {}}, "text", '"text" is an object', "send a string"),
        ({"texts": "Iron."}, "texts", '"texts" is a string, not a list of strings', '"texts": ['),
        ({"texts": ["Iron.", 3]}, "texts[1]", '"texts[1]" is a number, not a string', "send a string"),
        ({"inputs": 3}, "inputs", '"inputs" is a number, not a string or a list of strings', '"inputs": ['),
        ({"text": "x" * (LIMIT + 1)}, "text", '"text" has 21 characters; the limit is 20', "split the text"),
        ({"texts": ["", "x" * 2000]}, "texts[1]", '"texts[1]" has 2,000 characters', "split the text"),
        ({"text": "ab\ud800"}, "text", "a lone surrogate at character 2", "valid Unicode"),
        ({"text": "", "include": "ents"}, "include", '"include" is a string, not a list', '"include": ['),
        ({"text": "", "include": ["ent"]}, "include", "\"include[0]\" is 'ent'", "ents, sents, tokens"),
        ({"text": "", "include": [[]]}, "include", '"include[0]" is []', "ents, sents, tokens"),
    ],
)
def test_invalid_requests(event: Any, key: str | None, message: str, remedy: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_request(event, max_length=LIMIT)
    assert caught.value.key == key
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.message in str(caught.value)
    assert caught.value.remedy in str(caught.value)


def test_long_values_are_shortened() -> None:
    with pytest.raises(RequestError) as caught:
        parse_request({"k" * 100_000: 1}, max_length=LIMIT)
    assert len(str(caught.value)) < 300
