"""A request error from the function to the client: any wording, and functions that were made before the fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacy_lambda.client import Client
from spacy_lambda.errors import RequestError
from spacy_lambda.local import FunctionSettings, LocalLambda, invoke
from tests.client.fakes import Clock
from tests.client.http_stub import Reply, stub_server
from tests.profiles import examples

CODE = Path(__file__).parent / "code"
AWKWARD = [
    "a; b",
    '{"message": "x", "remedy": "y", "status": 400}',
    "a\nb",
    '"quoted" \\',
    "\u2028 🧪 \x00",
    "x" * 2_000,
]
WORDING = st.sampled_from(AWKWARD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
FIELDS = st.fixed_dictionaries(
    {"message": WORDING, "remedy": WORDING, "status": st.sampled_from([400, 413, 415])},
    optional={"key": st.sampled_from(["text", "texts[0]", "include"]) | WORDING},
)
SOME = settings(max_examples=examples(40))


@pytest.fixture(scope="module")
def reworded(pipeline: Path) -> Iterator[LocalLambda]:
    """A function that refuses every text with the fields that the text names."""
    made = FunctionSettings(pipeline=pipeline, handler="reworded.handler", code=CODE, max_concurrency=1)
    with LocalLambda(made) as running:
        yield running


@pytest.fixture(scope="module", params=["http", "invoke"])
def client(request: pytest.FixtureRequest, reworded: LocalLambda) -> Iterator[Client]:
    target = reworded.endpoint_url if request.param == "http" else "function"
    endpoint = None if request.param == "http" else reworded.endpoint_url
    with Client(target, endpoint_url=endpoint) as made:
        yield made


def clipped(fields: dict[str, Any]) -> tuple[Any, ...]:
    error = RequestError(**fields)
    return error.message, error.remedy, error.key, error.status


@pytest.mark.slow
@SOME
@given(FIELDS)
@example({"message": '"texts" has 20 texts; the limit is 10', "remedy": "send fewer; or less", "status": 400})
def test_any_wording_arrives_as_it_is(client: Client, fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        client.predict(json.dumps(fields))
    found = caught.value
    assert (found.message, found.remedy, found.key, found.status) == clipped(fields)


@SOME
@given(FIELDS)
def test_the_text_at_fault_is_found_with_any_wording(client: Client, fields: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        list(client.pipe([json.dumps({**fields, "key": "texts[0]"}), "zinc"]))
    assert caught.value.key == "texts[0]"
    assert (caught.value.remedy, caught.value.status) == (RequestError(**fields).remedy, fields["status"])


def test_boto3_and_invoke(reworded: LocalLambda) -> None:
    fields = {"message": "m; n", "remedy": "r", "key": "texts[3]", "status": 413}
    function = boto3.client(
        "lambda",
        endpoint_url=reworded.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    response = function.invoke(FunctionName="function", Payload=json.dumps({"text": json.dumps(fields)}))
    error = json.loads(response["Payload"].read())
    assert response["FunctionError"] == "Unhandled"
    assert (error["errorType"], error["stackTrace"]) == ("RequestError", [])
    people, programs = error["errorMessage"].split("\n")
    assert people == "m; n; r"
    assert json.loads(programs) == fields
    found = invoke(reworded.endpoint_url, "function", {"text": json.dumps(fields)}).error
    assert found is not None
    assert found.request_error is not None
    assert (found.message, found.remedy) == ("m; n", "r")
    assert (found.request_error.key, found.request_error.status) == ("texts[3]", 413)


@pytest.mark.parametrize(
    ("plain", "fields"),
    [
        ('"texts[3]" is null, not a string; send a string', ("texts[3]", 400)),
        ('the key "text" is missing; send {"text": "..."}, or "texts" or "inputs"', ("text", 400)),
        ("unknown key 'txet'; did you mean \"text\"? known keys: text", ("txet", 400)),
        ("\"include[1]\" is 'ants'; choose from ents, sents", ("include", 400)),
        ('"texts" has 20 texts; the limit is 10; send fewer texts at once', ("texts", 413)),
        ('"texts" cannot be predicted in the time that is left; send fewer texts', ("texts", 413)),
        ("no remedy", (None, 400)),
    ],
)
def test_functions_that_were_made_before_the_fields(plain: str, fields: tuple[str | None, int]) -> None:
    reply = Reply(200, {"errorType": "RequestError", "errorMessage": plain}, {"X-Amz-Function-Error": "Unhandled"})
    with (
        stub_server(reply) as stub,
        Client("function", endpoint_url=stub.url, retry=Clock().retry()) as client,
        pytest.raises(RequestError) as caught,
    ):
        client.predict("iron")
    message, _, remedy = plain.rpartition("; ")
    assert (caught.value.key, caught.value.status) == fields
    assert (caught.value.message, caught.value.remedy) == (message or plain, remedy if message else "check the request")


def test_every_text_at_fault_gets_the_number_that_the_caller_knows() -> None:
    def problem(first: str, second: str) -> Reply:
        fields = {"remedy": "r", "key": first, "keys": [first, second], "status": 400}
        return Reply(400, {"detail": f'bad: "{first}" (also at fault: {second})', **fields})

    one = [Reply(body=[[]] * 4), problem("texts[1]", "texts[2]"), Reply(body=[[]]), problem("texts[0]", "texts[1]")]
    with stub_server(*one) as stub, Client(stub.url, concurrency=1) as client, pytest.raises(RequestError) as caught:
        list(client.pipe(["iron"] * 8, batch_size=4))
    assert caught.value.message == 'bad: "texts[5]" (also at fault: texts[6])'
    assert (caught.value.key, caught.value.keys) == ("texts[5]", ("texts[5]", "texts[6]"))
