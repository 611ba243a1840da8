"""Sizes of events and responses: within the limits of Lambda, and no refusal repeats the text."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from spacy.language import Language

from spacy_lambda.core.lambda_limits import RESPONSE_BYTES
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.events.records import parse_body
from spacy_lambda.runtime.predictor import Predictor
from tests.runtime.fakes import processed, url_event


def alb_event(body: Any, **headers: str) -> dict[str, Any]:
    event = url_event(body, **headers)
    return {**event, "httpMethod": "POST", "path": "/predict", "requestContext": {"elb": {}}}


def big(characters: int) -> dict[str, Any]:
    """Every character a separate entity, 53 bytes or more of JSON each."""
    return {"texts": ["iron " * 1000] * (characters // 5000)}


@pytest.fixture
def roomy(nlp: Language) -> Predictor:
    return Predictor(nlp, {"SPACY_LAMBDA_MAX_TOTAL": "100000000", "SPACY_LAMBDA_MAX_TEXT": "100000"})


@pytest.mark.slow
def test_a_response_over_the_limit_is_a_413(roomy: Predictor) -> None:
    with pytest.raises(RequestError, match=r"the response has [0-9,]+ bytes; the limit is 6,291,556") as caught:
        dispatch(big(600_000), None, roomy)
    assert caught.value.status == 413
    assert "fewer texts" in caught.value.remedy
    answer = dispatch(url_event(big(600_000)), None, roomy)
    assert answer["statusCode"] == 413
    assert "gzip" in json.loads(answer["body"])["remedy"]
    packed = dispatch(url_event(big(600_000), accept_encoding="gzip"), None, roomy)
    assert packed["statusCode"] == 200
    assert len(json.dumps(packed)) <= RESPONSE_BYTES


@pytest.mark.slow
def test_a_load_balancer_takes_less(roomy: Predictor) -> None:
    assert dispatch(url_event(big(150_000)), None, roomy)["statusCode"] == 200
    assert dispatch(alb_event(big(150_000)), None, roomy)["statusCode"] == 413
    assert dispatch(alb_event(big(50_000)), None, roomy)["statusCode"] == 200


def test_tokens_that_would_not_fit_are_refused_before_they_are_processed(roomy: Predictor) -> None:
    event = {"texts": ["a " * 40_000] * 2, "include": ["tokens"]}
    with pytest.raises(RequestError, match="the response would have more than 7,200,000 bytes") as caught:
        dispatch(event, None, roomy)
    assert (caught.value.key, caught.value.status) == ("include", 413)
    assert processed == []


@pytest.mark.parametrize(
    ("begin", "repeated", "count", "end"),
    [(b'{"texts": [', b'"",', 10_000_000, b'""]}'), (b'{"text": "', b" ", 50_000_000, b'"}')],
)
def test_small_bodies_that_unpack_to_much(begin: bytes, repeated: bytes, count: int, end: bytes, nlp: Language) -> None:
    content = begin + repeated * count + end
    event = {**url_event(None, content_encoding="gzip"), "isBase64Encoded": True}
    event["body"] = base64.b64encode(gzip.compress(content, 1)).decode()
    function = Predictor(nlp, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"})
    assert dispatch(event, None, function)["statusCode"] == 413


@pytest.mark.parametrize("body", ["NaN", '{"x": Infinity}', '{"x": 1e999}', '{"x": -1e999}', "[" * 100_000])
def test_invalid_json_in_a_record(body: str) -> None:
    with pytest.raises(RequestError, match="not valid JSON"):
        parse_body(body)


STUFF = "x" * 2_000_000


@pytest.mark.parametrize(
    "event",
    [
        {STUFF: 1},
        {"text": "iron", STUFF: 1},
        {"text": "iron", "long_text": STUFF},
        {"text": "iron", "long_text": [STUFF] * 3},
        {"text": "iron", "include": [STUFF]},
        {"text": "iron", "include": [{STUFF: STUFF}]},
        {"text": "iron", "include": ["ents"] * 3 + [[[1] * 100_000]]},
    ],
)
def test_no_refusal_repeats_what_was_sent(event: Any, nlp: Language) -> None:
    function = Predictor(nlp, {})
    with pytest.raises(RequestError) as caught:
        dispatch(event, None, function)
    assert len(str(caught.value)) < 3_000
    assert len(caught.value.key or "") <= 100
    answer = dispatch(url_event(event), None, function)
    assert (answer["statusCode"], len(json.dumps(answer)) < 4_000) == (400, True)


@pytest.mark.parametrize("header", ["content_encoding", "content_type", "accept_encoding"])
def test_no_refusal_repeats_a_header(header: str, nlp: Language) -> None:
    answer = dispatch(url_event({"text": 1}, **{header: "z" * 6_000}), None, Predictor(nlp, {}))
    assert 400 <= answer["statusCode"] < 500
    assert len(answer["body"]) < 1_000


@pytest.mark.parametrize("kept", [0, 1, 9, 10, 20, -9, -8, -1])
def test_a_body_that_is_cut_off_is_not_too_large(kept: int, nlp: Language) -> None:
    event = {**url_event(None, content_encoding="gzip"), "isBase64Encoded": True}
    packed = gzip.compress(json.dumps({"text": "iron " * 100}).encode(), mtime=0)
    event["body"] = base64.b64encode(packed[:kept]).decode()
    answer = dispatch(event, None, Predictor(nlp, {}))
    assert answer["statusCode"] == 400
    assert "is cut off" in json.loads(answer["body"])["detail"]
