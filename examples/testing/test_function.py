"""Tests of the function before it is deployed: its answers, its limits, its events."""

import json
import urllib.request

import pytest

from spacy_lambda.testing import assert_golden, assert_same_entities, make_event


@pytest.mark.spacy_lambda_texts("golden.jsonl")
def test_golden_texts(spacy_lambda_function, golden):
    assert_golden(spacy_lambda_function, golden)


def test_it_fits(spacy_lambda_function):
    report = spacy_lambda_function.invoke({"text": "The steel was heated. " * 100}).report
    assert report.max_memory_mb < 1000
    assert report.billed_ms < 15_000


def test_the_load_balancer_gets_json(spacy_lambda_function):
    response = spacy_lambda_function.invoke(make_event("alb", texts=["Graphite is a form of carbon."])).answer
    assert response["statusCode"] == 200
    assert_same_entities(json.loads(response["body"]), [("Graphite", "MATERIAL"), ("carbon", "MATERIAL")])


def test_the_url_is_healthy(spacy_lambda_function):
    with urllib.request.urlopen(f"{spacy_lambda_function.url}/health") as response:
        assert response.status == 200


def test_wrong_requests_are_refused(spacy_lambda_function):
    error = spacy_lambda_function.invoke({"text": 5}).error
    assert error.request_error.key == "text"
