"""The client of the Hub's Inference API: predictions, and the API's errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from spacy_lambda.client.hub_inference import query_model
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import InferenceError
from tests.store.hub_server import TOKEN, Hub

MODEL = parse_location("hf://acme/metals")
ENTITIES = [{"entity_group": "METAL", "word": "iron", "start": 0, "end": 4, "score": 1.0}]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub(os.environ["HF_ENDPOINT"]).running() as hub:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("HF_INFERENCE_ENDPOINT", f"{hub.url}/inference")
        yield hub


def test_asked(api: Hub) -> None:
    api.inference = (200, ENTITIES, {})
    assert query_model(MODEL, "iron ✓") == ENTITIES
    assert api.received == [("acme/metals", {"inputs": "iron ✓"}, f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    ("status", "body", "headers", "message", "remedy"),
    [
        (401, {"error": "Invalid credentials"}, {}, "the token is not accepted (401: Invalid credentials)", "HF_TOKEN"),
        (403, {"error": "no permission"}, {}, "(403: no permission)", "HF_TOKEN"),
        (404, {"error": "Not Found"}, {}, "the model does not exist, is private", "spacy-lambda serve hf://acme"),
        (503, {"error": "loading", "estimated_time": 20.4}, {}, "estimated time 20 s", "retry"),
        (503, {"error": "loading"}, {}, "is loading (503: loading)", "retry"),
        (
            429,
            {"error": "Rate limit"},
            {"Retry-After": "60"},
            "too many requests (429: Rate limit)",
            "retry after 60 s",
        ),
        (429, [], {}, "too many requests", "higher limit"),
        (500, {"error": "boom"}, {}, "returned 500: boom", "later"),
    ],
)
def test_errors(status: int, body: Any, headers: dict[str, str], message: str, remedy: str, api: Hub) -> None:
    api.inference = (status, body, headers)
    with pytest.raises(InferenceError) as caught:
        query_model(MODEL, "iron")
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert TOKEN not in str(caught.value)


def test_without_a_token(api: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.utils import _auth

    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(_auth, "_get_token_from_file", lambda: None)
    api.inference = (401, {"error": "x"}, {})
    with pytest.raises(InferenceError, match="a token is required"):
        query_model(MODEL, "iron")
    assert api.received[0][2] is None


def test_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InferenceError, match="cannot be reached") as caught:
        query_model(MODEL, "iron", endpoint="http://127.0.0.1:9")
    assert "HF_INFERENCE_ENDPOINT" in caught.value.remedy


def test_not_on_the_hub() -> None:
    with pytest.raises(InferenceError, match="is not on the Hub"):
        query_model(parse_location("s3://models/x"), "iron")
