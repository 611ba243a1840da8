"""Two functions on one server: the function of a call, and the path that it sees."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from spacy_lambda.client.report_line import Report
from spacy_lambda.errors import LocalLambdaError
from spacy_lambda.local import FunctionSettings, LocalFunction, LocalLambda, invoke, side_by_side
from spacy_lambda.local.messages import FunctionResponse, InvokeRequest, Outcome
from spacy_lambda.local.router import RoutedFunction, Router
from tests.local.local_lambda import Lambda, is_gone, settings, wait_until


def seen(raw_path: bytes) -> tuple[str, str, str]:
    """Return the function that gets a call, and the paths in its event."""
    calls: list[tuple[str, str, str]] = []

    def target(name: str) -> RoutedFunction:
        async def call(request: InvokeRequest) -> Outcome:
            event = json.loads(request.payload)
            assert request.arn.endswith(f":{name}")
            calls.append((name, event["rawPath"], event["requestContext"]["http"]["path"]))
            report = Report(request_id=request.request_id, duration_ms=1.0, memory_size_mb=128, max_memory_mb=1)
            return Outcome(response=FunctionResponse(payload=b"{}"), report=report, log_tail=b"")

        return RoutedFunction(FunctionSettings(pipeline="x", name=name), call)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        pass

    scope = {"type": "http", "method": "GET", "raw_path": raw_path, "path": "/", "query_string": b"a=b", "headers": []}
    mounts = Router({"/": target("first"), "/compare/": target("second"), "/compare/more/": target("third")})
    asyncio.run(mounts(scope, receive, send))
    (call,) = calls
    return call


@pytest.mark.parametrize(
    ("raw_path", "expected"),
    [
        (b"/", ("first", "/", "/")),
        (b"/predict", ("first", "/predict", "/predict")),
        (b"/compared", ("first", "/compared", "/compared")),
        (b"/x/compare/predict", ("first", "/x/compare/predict", "/x/compare/predict")),
        (b"/compare%2Fpredict", ("first", "/compare%2Fpredict", "/compare/predict")),
        (b"/compare/", ("second", "/", "/")),
        (b"/compare", ("second", "/", "/")),
        (b"/compare/predict", ("second", "/predict", "/predict")),
        (b"/compare/compare/", ("second", "/compare/", "/compare/")),
        (b"/compare/%C3%A4%20b/", ("second", "/%C3%A4%20b/", "/ä b/")),
        (b"/compare/more/x", ("third", "/x", "/x")),
        (b"%2Fcompare/x", ("first", "%2Fcompare/x", "/compare/x")),
    ],
)
def test_paths(raw_path: bytes, expected: tuple[str, str, str]) -> None:
    assert seen(raw_path) == expected


@pytest.fixture(scope="module")
def two(pipeline: Path) -> Iterator[Lambda]:
    with Lambda(settings(pipeline), compare=LocalFunction(settings(pipeline, environment={"A": "b"}))) as running:
        yield running


def describe(two: Lambda, name: str) -> Any:
    return invoke(two.endpoint_url, name, {"do": "describe"}).answer


def test_each_has_its_name_its_environments_and_its_variables(two: Lambda) -> None:
    first, second = describe(two, "function"), describe(two, "function-compare")
    assert (first["function"], second["function"]) == ("function", "function-compare")
    assert second["arn"].endswith(":function:function-compare")
    assert first["variables"]["SPACY_LAMBDA_COMPARE"] == "compare/"
    assert "SPACY_LAMBDA_COMPARE" not in second["variables"]
    assert (first["variables"].get("A"), second["variables"]["A"]) == (None, "b")
    assert first["pid"] != second["pid"]
    assert set(two.environment_pids) == {first["pid"], second["pid"]}
    assert two.compared is not None
    assert two.compared.url == f"{two.endpoint_url}/compare"


def test_a_qualifier_belongs_to_the_one_that_is_named(two: Lambda) -> None:
    arn = invoke(two.endpoint_url, "function-compare", {"do": "describe"}, qualifier="live").answer["arn"]
    assert arn.endswith(":function:function-compare:live")


def test_a_third_name_is_not_there(two: Lambda) -> None:
    with pytest.raises(ClientError, match="Function not found: function:function-other"):
        two.client.invoke(FunctionName="function-other", Payload=b"{}")


def test_lambdas_own_paths_are_not_below_a_function(two: Lambda) -> None:
    with pytest.raises(OSError, match="404"):
        urlopen(f"{two.endpoint_url}/compare/2015-03-31/functions/function/url")


@pytest.mark.slow
def test_the_page_compares_with_the_second(pipeline: Path) -> None:
    page = FunctionSettings(pipeline=pipeline, max_concurrency=1, environment={"SPACY_LAMBDA_PAGE": "on"})
    with LocalLambda(page, compare=LocalFunction(page)) as local:
        with urlopen(f"{local.endpoint_url}/compare/openapi.json") as second:
            assert json.load(second)["servers"] == [{"url": "/compare"}]
        with urlopen(f"{local.endpoint_url}/info") as first, urlopen(f"{local.endpoint_url}/compare/info") as second:
            assert json.load(first)["compare"] == "compare/"
            info = json.load(second)
        assert (info["function"], "compare" in info) == ("function-compare", False)
        pids = local.environment_pids
        assert len(pids) == 2
    wait_until(lambda: all(map(is_gone, pids)))


def test_a_configured_comparison_is_kept(pipeline: Path) -> None:
    own = {"SPACY_LAMBDA_COMPARE": "https://a.example/"}
    functions = side_by_side(LocalFunction(settings(pipeline, environment=own)), LocalFunction(settings(pipeline)))
    assert functions["/"].settings.environment == own


def test_a_name_that_has_no_room_for_the_second(pipeline: Path) -> None:
    long = LocalFunction(settings(pipeline, name="x" * 60))
    with pytest.raises(LocalLambdaError, match=r"name 'x{60}-compare': 1 to 64"):
        side_by_side(long, long)
