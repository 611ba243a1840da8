"""The client against the local Lambda, by both transports: the same answers and the same errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import spacy_lambda
from spacy_lambda.client import Client
from spacy_lambda.errors import InvokeError, RequestError, SpacyLambdaError
from spacy_lambda.local import LocalLambda

TEXTS = [f"{n} parts of iron 🧪.\r\nAnd iron. " * (n % 3) for n in range(50)]


@pytest.fixture(params=["http", "invoke"])
def client(request: pytest.FixtureRequest, local: LocalLambda) -> Iterator[Client]:
    made = (
        spacy_lambda.Client(local.endpoint_url)
        if request.param == "http"
        else spacy_lambda.Client("function:live", endpoint_url=local.endpoint_url)
    )
    with made:
        yield made


def test_predict(client: Client) -> None:
    assert client.predict("Some iron.") == [{"text": "iron", "label": "METAL", "start": 5, "end": 9}]
    assert client.predict("iron", include=["sents"]) == {"sents": [{"text": "iron", "start": 0, "end": 4}]}
    assert client.predict("") == []


@pytest.mark.parametrize("texts", [["iron"], ("iron",), iter(["iron"])])
def test_several_texts_are_for_pipe(client: Client, texts: object) -> None:
    with pytest.raises(RequestError, match=r"not a string; send one text, or use pipe\(\)"):
        client.predict(texts)  # type: ignore[call-overload]


def test_pipe(client: Client) -> None:
    answers = list(client.pipe(TEXTS, batch_size=7))
    assert [[text[ent["start"] : ent["end"]] for ent in ents] for text, ents in zip(TEXTS, answers, strict=True)] == [
        ["iron"] * text.count("iron") for text in TEXTS
    ]


def test_docs(client: Client) -> None:
    docs = list(client.pipe(TEXTS, as_docs=True, batch_size=7))
    assert [doc.text for doc in docs] == TEXTS
    assert [len(doc.ents) for doc in docs] == [text.count("iron") for text in TEXTS]
    assert [sent.text for sent in client.predict("Iron. Zinc.", as_doc=True).sents] == ["Iron.", "Zinc."]


def test_health_and_info(client: Client) -> None:
    assert client.health() == {"status": "ok"}
    assert client.info()["pipeline"] == ["sentencizer", "entity_ruler"]


def request_errors(client: Client) -> list[tuple[Any, ...]]:
    calls: Any = [
        lambda: client.predict("iron", include=["ants"]),
        lambda: client.predict("iron", include="ents"),
        lambda: client.predict("x" * 1_000_001),
        lambda: client.predict("iron", long_text="cut"),  # type: ignore[call-overload]
        lambda: list(client.pipe(["iron", "x" * 1_000_001, "iron"], batch_chars=3_000_000)),
    ]
    found = []
    for call in calls:
        with pytest.raises(RequestError) as caught:
            call()
        found.append((caught.value.message, caught.value.remedy, caught.value.key, caught.value.status))
    return found


def test_a_request_error_is_the_same_either_way(local: LocalLambda) -> None:
    """Except that a function error, which Lambda logs, does not quote an unknown value."""
    with Client(local.endpoint_url) as http, Client("function", endpoint_url=local.endpoint_url) as invoke:
        found, others = request_errors(http), request_errors(invoke)
    assert [fields for _, *fields in found] == [fields for _, *fields in others]
    differing = [(one[0], other[0]) for one, other in zip(found, others, strict=True) if one != other]
    assert differing == [
        ("\"include[0]\" is 'ants'", '"include[0]" has an unknown value'),
        ("\"include[0]\" is 'e'", '"include[0]" has an unknown value'),
        ("\"long_text\" is 'cut'", '"long_text" has an unknown value'),
    ]
    assert [(key, status) for _, _, key, status in found] == [
        ("include", 400),
        ("include", 400),
        ("text", 413),
        ("long_text", 400),
        ("texts[1]", 413),
    ]
    assert found[2][1] == 'split the text and send the parts, or send "long_text": "split"'


def test_predictions_before_an_error_come_first(client: Client) -> None:
    answers = client.pipe(["iron", "iron", "x" * 1_000_001, "iron"], batch_chars=3_000_000)
    assert [len(next(answers)), len(next(answers))] == [1, 1]
    with pytest.raises(RequestError) as caught:
        next(answers)
    assert caught.value.key == "texts[2]"
    assert list(answers) == []


def test_errors_in_place_of_predictions(client: Client) -> None:
    texts = ["iron", None, "x" * 1_000_001, "", "x" * 1_000_001, float("nan"), "iron"]
    results = list(client.pipe(texts, on_error="return", batch_chars=3_000_000))
    assert [len(result) for result in results if isinstance(result, list)] == [1, 0, 1]
    assert [(result.key, result.status, result.keys) for result in results if isinstance(result, RequestError)] == [
        ("texts[1]", 400, ()),
        ("texts[2]", 413, ()),
        ("texts[4]", 413, ()),
        ("texts[5]", 400, ()),
    ]


@pytest.mark.slow
def test_responses_over_lambdas_limit_are_requested_in_parts(client: Client) -> None:
    text = "iron 🧪. " * 1200
    docs = client.pipe([text] * 24, as_docs=True, batch_chars=1_000_000)
    assert [(doc.text == text, len(doc.ents)) for doc in docs] == [(True, 1200)] * 24


@pytest.mark.parametrize(
    ("target", "remedy"),
    [("another", "check the URL or the name, and the region"), ("http", "check the URL or the name, and the region")],
)
def test_nothing_there(local: LocalLambda, target: str, remedy: str) -> None:
    made = (
        Client(f"{local.endpoint_url}/nowhere") if target == "http" else Client(target, endpoint_url=local.endpoint_url)
    )
    with made as client, pytest.raises(SpacyLambdaError) as caught:
        client.predict("iron")
    assert isinstance(caught.value, InvokeError)
    assert caught.value.remedy == remedy
