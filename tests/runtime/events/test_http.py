"""Every HTTP front door, as JSON files: the event that AWS sends, and the whole answer."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import spacy

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.events.http import paths
from spacy_lambda.runtime.predictor import Predictor

EVENTS = sorted((Path(__file__).parent / "samples").glob("http_*.json"))
CONTEXT = SimpleNamespace(aws_request_id="id-1")


@pytest.fixture(scope="module")
def function() -> Predictor:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.max_length = 100
    nlp.meta.update(name="metals", version="1.2.3")
    return Predictor(nlp, {}, "0a")


def body_of(answer: dict[str, Any]) -> bytes:
    body: str = answer["body"]
    return base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()


def headers_of(answer: dict[str, Any]) -> dict[str, str]:
    if "multiValueHeaders" in answer:
        assert "headers" not in answer
        return {name: value for name, (value,) in answer["multiValueHeaders"].items()}
    headers: dict[str, str] = answer["headers"]
    return headers


def url_event(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    event = {"version": "2.0", "rawPath": path, "headers": named, "requestContext": {"http": {"method": method}}}
    return event if body is None else {**event, "body": json.dumps(body)}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_events(path: Path, function: Predictor) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    answer = dispatch(case["event"], CONTEXT, function)
    expected = case["expected"]
    assert json.loads(json.dumps(answer)) == answer
    assert answer["statusCode"] == expected["status"]
    assert json.loads(body_of(answer)) == expected["json"]
    assert headers_of(answer) == {**expected["headers"], "x-request-id": "id-1"}
    if "elb" in case["event"]["requestContext"]:
        assert answer["statusDescription"] == "200 OK"


def test_there_are_events() -> None:
    assert len(EVENTS) >= 18


def test_info_and_openapi(function: Predictor) -> None:
    info = json.loads(body_of(dispatch(url_event("GET", "/info/"), CONTEXT, function)))
    assert (info["name"], info["version"], info["sha256"]) == ("en_metals", "1.2.3", "0a")
    assert info["labels"] == {"entity_ruler": ["METAL"]}
    document = json.loads(body_of(dispatch(url_event("GET", "/openapi.json"), CONTEXT, function)))
    assert document["openapi"] == "3.1.0"
    assert '"enum": ["METAL"]' in json.dumps(document)
    example = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    assert [entity["text"] for entity in example] == ["iron"]


def test_head_has_no_body(function: Predictor) -> None:
    answer = dispatch(url_event("HEAD", "/health"), CONTEXT, function)
    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_long_responses_are_compressed_if_gzip_is_accepted(function: Predictor) -> None:
    event = url_event("POST", "/predict", {"texts": ["iron"] * 50}, accept_encoding="br, gzip;q=0.5")
    answer = dispatch(event, CONTEXT, function)
    assert answer["headers"]["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(body_of(answer)))) == 50
    for coding in ("GZIP", "br,gzip;level=1", "gzip ; q=0.01"):
        event["headers"]["accept-encoding"] = coding
        assert dispatch(event, CONTEXT, function)["headers"]["content-encoding"] == "gzip"
    for coding in ("br", "gzip;q=0", "gzip; q=0.000", "identity", "xgzip"):
        event["headers"]["accept-encoding"] = coding
        assert "content-encoding" not in dispatch(event, CONTEXT, function)["headers"]


# Made in the test: every process collects every test.
INVALID_GZIP: dict[str, Callable[[], bytes]] = {
    "begun": lambda: b"\x1f\x8b",
    "over the limit": lambda: gzip.compress(b"0" * 100_000_000, 1, mtime=0),
    "none": lambda: b"no gzip",
    "two members": lambda: 2 * gzip.compress(b'{"text": ""}', mtime=0),
}


@pytest.mark.parametrize("make", INVALID_GZIP.values(), ids=INVALID_GZIP.keys())
def test_invalid_gzip_and_bodies_over_the_limit(make: Callable[[], bytes], function: Predictor) -> None:
    event = {**url_event("POST", "/predict", content_encoding="gzip"), "isBase64Encoded": True}
    event["body"] = base64.b64encode(make()).decode()
    answer = dispatch(event, CONTEXT, function)
    assert answer["statusCode"] in (400, 413)
    assert json.loads(body_of(answer))["remedy"]


@pytest.mark.parametrize(
    ("setting", "origin", "allowed"),
    [
        ("", "https://a.example", None),
        ("*", "https://a.example", "*"),
        ("https://a.example, https://b.example", "https://b.example", "https://b.example"),
        ("https://a.example", "https://evil.example", None),
        ("https://A.example/", "https://a.example", "https://a.example"),
    ],
)
def test_which_pages_may_call(setting: str, origin: str, allowed: str | None, function: Predictor) -> None:
    with_cors = Predictor(function.nlp, {"SPACY_LAMBDA_CORS": setting})
    for method in ("POST", "OPTIONS"):
        answer = dispatch(url_event(method, "/predict", {"text": ""}, origin=origin), CONTEXT, with_cors)
        assert answer["statusCode"] == (200 if method == "POST" else 204)
        assert answer["headers"].get("access-control-allow-origin") == allowed
        assert ("access-control-allow-methods" in answer["headers"]) is (method == "OPTIONS" and allowed is not None)


def rest_event(resource: str, path: str, requested: str, **more: Any) -> dict[str, Any]:
    """An event of a REST API, or of an HTTP API with payload format 1.0 if it has a version."""
    method = "POST" if path.endswith("predict") else "GET"
    context = {"stage": "prod", "path": requested, "resourcePath": resource}
    event = {"resource": resource, "path": path, "httpMethod": method, "headers": {}, "requestContext": context}
    return {**event, "body": '{"text": "iron"}' if method == "POST" else None, **more}


def proxy(path: str) -> dict[str, Any]:
    return {"pathParameters": {"proxy": path}}


def http_event(route: str, path: str, **more: Any) -> dict[str, Any]:
    event = url_event("POST" if path.endswith("predict") else "GET", path, {"text": "iron"})
    stage = "prod" if path.startswith("/prod") else "$default"
    return {**event, "routeKey": route, "requestContext": {**event["requestContext"], "stage": stage}, **more}


def alb_event(path: str) -> dict[str, Any]:
    return {**rest_event("", path, path), "requestContext": {"elb": {}}}


REST, GREEDY = "/{proxy+}", "ANY /{proxy+}"
BASES: list[tuple[dict[str, Any], str, str]] = [
    # The event of a call with @ for the path in the API, SPACY_LAMBDA_BASE_PATH, and the base path.
    (rest_event(REST, "/@", "/prod/@", **proxy("@")), "", "/prod"),
    (rest_event(REST, "/papers/@", "/papers/@", **proxy("@")), "", "/papers"),
    (rest_event("/ner/{proxy+}", "/ner/@", "/prod/ner/@", **proxy("@")), "", "/prod/ner"),
    (rest_event("/ner/{any+}", "/papers/ner/@", "/papers/ner/@", pathParameters={"any": "@"}), "", "/papers/ner"),
    (rest_event("/v1/@", "/v1/@", "/prod/v1/@"), "", "/prod/v1"),
    (rest_event("/@", "/papers/@", "/papers/@"), "", "/papers"),
    (rest_event(REST, "/v1/ner/@", "/prod/v1/ner/@", **proxy("v1/ner/@")), "/v1/ner", "/prod/v1/ner"),
    (rest_event(REST, "/prod/@", "/prod/@", version="1.0", **proxy("@")), "", "/prod"),
    (rest_event("$default", "/prod/@", "/prod/@", version="1.0"), "", "/prod"),
    (http_event("$default", "/@"), "", ""),
    (http_event("$default", "/prod/@"), "", "/prod"),
    (http_event("ANY /{any+}", "/papers/@", pathParameters={"any": "@"}), "", "/papers"),
    (http_event(GREEDY, "/prod/@", **proxy("@")), "", "/prod"),
    (http_event("$default", "/papers/@"), "papers/", "/papers"),
    (http_event("ANY /ner/{proxy+}", "/prod/ner/@", **proxy("@")), "", "/prod/ner"),
    (http_event("ANY /v1/@", "/v1/@"), "", "/v1"),
    (http_event("$default", "/@"), "/behind-cloudfront", "/behind-cloudfront"),
    (alb_event("/@"), "", ""),
    (alb_event("/ner/@"), "/ner", "/ner"),
]


@pytest.mark.parametrize(("event", "setting", "base"), BASES)
@pytest.mark.parametrize("path", ["predict", "openapi.json", "nothing"])
def test_base_paths(event: dict[str, Any], setting: str, base: str, path: str, function: Predictor) -> None:
    event = json.loads(json.dumps(event).replace("@", path))
    if path == "predict":
        event |= {"body": '{"text": "iron"}'}
        event |= {"httpMethod": "POST"} if "httpMethod" in event else {}
        if "http" in event["requestContext"]:
            event["requestContext"]["http"]["method"] = "POST"
    answer = dispatch(event, CONTEXT, Predictor(function.nlp, {"SPACY_LAMBDA_BASE_PATH": setting}))
    found = json.loads(body_of(answer))
    if path == "predict":
        assert (answer["statusCode"], [entity["text"] for entity in found]) == (200, ["iron"])
    elif path == "openapi.json":
        assert found["servers"] == [{"url": base or "/"}]
    else:
        assert (answer["statusCode"], found["detail"].startswith(f"unknown path '{base}/")) == (404, True)


@pytest.mark.parametrize(
    ("event", "setting"),
    [
        (rest_event("/", "/", "/prod/"), ""),
        (rest_event("/", "/papers", "/papers"), ""),
        (rest_event("/ner", "/ner", "/prod/ner"), ""),
        (http_event("$default", "/prod"), ""),
        (http_event("GET /ner", "/ner"), ""),
        (http_event("$default", "/ner/"), "/ner"),
        (alb_event("/ner"), "/ner"),
    ],
)
def test_the_page_is_at_the_base_path(event: dict[str, Any], setting: str, function: Predictor) -> None:
    environ = {"SPACY_LAMBDA_BASE_PATH": setting, "SPACY_LAMBDA_PAGE": "on"}
    answer = dispatch(event, CONTEXT, Predictor(function.nlp, environ))
    assert (answer["statusCode"], headers_of(answer)["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/nerd/predict", "/predict/predict", "/x/predict", "/ner/ner/predict"])
def test_other_paths_are_not_below_the_base_path(path: str, function: Predictor) -> None:
    with_base = Predictor(function.nlp, {"SPACY_LAMBDA_BASE_PATH": "/ner"})
    assert dispatch(alb_event(path), CONTEXT, with_base)["statusCode"] == 404


@pytest.mark.parametrize("value", ["https://a.example/ner", "/ner?a=b", "/a b", "/ä", "/a//b", "/a\r\nb"])
def test_an_invalid_base_path_is_ignored_and_logged(
    value: str, function: Predictor, caplog: pytest.LogCaptureFixture
) -> None:
    paths._read_base.cache_clear()
    with_base = Predictor(function.nlp, {"SPACY_LAMBDA_BASE_PATH": value})
    answer = dispatch(url_event("GET", "/openapi.json"), CONTEXT, with_base)
    assert json.loads(body_of(answer))["servers"] == [{"url": "/"}]
    assert [record.message.split(":")[0] for record in caplog.records] == ["SPACY_LAMBDA_BASE_PATH is ignored"]


def test_rest_apis_get_no_base64(function: Predictor) -> None:
    """A REST API without ``binaryMediaTypes`` would pass it on as it is."""
    body = {"body": json.dumps({"texts": ["iron"] * 50})}
    event = {**rest_event(REST, "/predict", "/prod/predict", **proxy("predict")), **body}
    event["headers"] = {"Accept-Encoding": "gzip, br"}
    event["multiValueHeaders"] = {"Accept-Encoding": ["gzip, br"]}
    answer = dispatch(event, CONTEXT, function)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert "content-encoding" not in headers_of(answer)
    http = dispatch({**event, "version": "1.0"}, CONTEXT, function)
    assert (headers_of(http)["content-encoding"], http["isBase64Encoded"]) == ("gzip", True)


def test_internal_errors_have_no_details(function: Predictor, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        max_length = 100
        tokenizer = None

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("secret")

    broken = Predictor(Broken(), {})  # type: ignore[arg-type]
    answer = dispatch(url_event("POST", "/predict", {"text": "iron"}), CONTEXT, broken)
    assert answer["statusCode"] == 500
    assert "secret" not in answer["body"]
    assert "secret" in caplog.text


@pytest.mark.parametrize("event", [{"Records": []}, {"Records": [{"eventSource": "aws:other"}]}, {"requestContext": 1}])
def test_unrecognized_events(event: Any, function: Predictor) -> None:
    with pytest.raises(RequestError, match=r"unrecognized event with .*; tried: Function URL"):
        dispatch(event, CONTEXT, function)
