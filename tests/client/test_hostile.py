"""Hostile servers: an answer or a known error, in time, and no thread or socket is left."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_lambda.client import Client, Retry
from spacy_lambda.client.hub_inference import query_model
from spacy_lambda.client.transport import CallError
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import InferenceError, InvokeError, RequestError, SpacyLambdaError
from spacy_lambda.local import invoke
from tests.client.fakes import Fake, echo, failed, texts_of
from tests.client.raw_server import Script, raw_server, response
from tests.profiles import examples

pytestmark = pytest.mark.slow

MANY = 30.0
"""Maximum seconds of anything that does not wait on purpose."""

Make = Callable[..., Client]


def by_url(url: str, **how: Any) -> Client:
    return Client(url, **how)


def by_name(url: str, **how: Any) -> Client:
    return Client("function", endpoint_url=url, **how)


BOTH = pytest.mark.parametrize("make", [by_url, by_name])
ONCE = Retry(max_attempts=1)
JSON = "content-type: application/json"


def outcome(make: Make, script: Script, **how: Any) -> tuple[Any, float]:
    """Return the result of one call, and its time."""
    with raw_server(script) as url, make(url, **{"retry": ONCE, "timeout_s": MANY, **how}) as client:
        began = time.monotonic()
        try:
            found: Any = client.predict("iron")
        except SpacyLambdaError as exc:
            found = exc
        return found, time.monotonic() - began


def client_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("spacy-lambda-client") or "Timer" in one.name]


def nothing_is_left() -> bool:
    for thread in client_threads():
        thread.join(MANY)
    return client_threads() == []


DRIBBLES = {
    "status": [bytes([c]) for c in response(b"[]")],
    "headers": [b"HTTP/1.1 200 OK\r\n", *(f"x-{n}: {n}\r\n".encode() for n in range(10_000))],
    "one header": [b"HTTP/1.1 200 OK\r\nx: ", *[b"x"] * 10_000],
    "continue": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 10_000,
    "body": [response(b" " * 10_000)[:-10_000], *[b" "] * 10_000],
    "chunks": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 10_000],
    "nothing": [],
}


@BOTH
@pytest.mark.parametrize("where", DRIBBLES)
def test_a_byte_now_and_then_is_not_waited_for(make: Make, where: str) -> None:
    """The time limit is that of the whole call; a socket's timeout restarts with each byte."""
    script = Script(DRIBBLES[where], pause_s=0.05, hold=True)
    found, seconds = outcome(make, script, timeout_s=0.4, retry=Retry(base_s=0.01))
    assert isinstance(found, InvokeError)
    assert found.message.endswith("did not respond in 0.4 s")
    assert found.remedy == "give a higher timeout_s"
    assert 0.3 < seconds < MANY
    assert nothing_is_left()


def test_the_time_is_for_all_attempts_and_the_waits_between_them() -> None:
    script = Script([response(b"slow down", status="503 Busy")])
    found, seconds = outcome(by_url, script, timeout_s=0.3, retry=Retry(max_attempts=1000, base_s=0.05, cap_s=0.05))
    assert isinstance(found, InvokeError)
    assert seconds < MANY
    assert "503" in found.message or "0.3 s" in found.message


BOMB = "a bomb"
ODD = {
    BOMB: b"",  # made in the test: every process collects every test
    "not gzip": response(b"[]", "content-encoding: gzip"),
    "half of a gzip": response(gzip.compress(b"[]")[:-9], "content-encoding: gzip"),
    "deflate": response(zlib.compress(b"[]"), "content-encoding: deflate"),
    "brotli": response(b"[]", "content-encoding: br"),
    "packed twice": response(gzip.compress(gzip.compress(b"[]")), "content-encoding: gzip, gzip"),
    "half an answer": response(b"[]", status="200 OK")[:-1],
    "chunks that are none": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n[]",
    "a chunk that ends": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n[]",
    "a negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
    "no HTTP": b"\x00\xff\x00\xff\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a large header": b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1_000_000 + b"\r\n\r\n[]",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"x: x\r\n" * 1000 + b"\r\n[]",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a teapot": response(b"short and stout", status="418 I'm a teapot"),
    "an unknown status": response(b"?", status="599 \xff".encode().decode("latin-1")),
    "a status of four digits": response(b"[]", status="2000 OK"),
    "early hints": response(b"[]", status="103 Early Hints"),
    "not UTF-8": response(b'["\xff\xfe"]', JSON),
    "UTF-16": response('["a"]'.encode("utf-16"), JSON),
    "deep": response(b"[" * 100_000 + b"]" * 100_000, JSON),
    "NaN": response(b"[NaN]", JSON),
    "infinite": response(b'[{"score": 1e999}]', JSON),
    "a long number": response(b"[" + b"1" * 10_000 + b"]", JSON),
    "null": response(b"null", JSON),
    "an object": response(b"{}", JSON),
    "a text": response(b'"iron"', JSON),
    "a list of numbers": response(b"[1, 2]", JSON),
    "a problem that is none": response(b'{"detail": []}', status="400 Bad"),
    "a deep problem": response(b'{"detail":' * 50_000, status="400 Bad"),
    "a redirect": response(b"", "location: http://127.0.0.1:9/", status="307 Temporary Redirect"),
    "nothing": b"",
}


@cache
def odd(kind: str) -> bytes:
    """Return an odd response."""
    if kind == BOMB:
        return response(gzip.compress(b"[" + b" " * 70_000_000 + b"]"), "content-encoding: gzip")
    return ODD[kind]


@BOTH
@pytest.mark.parametrize("kind", ODD)
def test_an_unexpected_response_is_a_known_error(make: Make, kind: str) -> None:
    found, seconds = outcome(make, Script([odd(kind)]))
    if make is by_name and kind in ("not gzip", "deflate", "brotli", "packed twice"):
        found = found if found == [] else InvokeError("x", remedy="y")  # Lambda's API packs nothing
    else:
        assert isinstance(found, InvokeError), found
        assert found.remedy
        assert len(found.message) < 2000
    assert seconds < MANY


@pytest.mark.parametrize(("limit", "fits"), [(100, False), (100_000, True)])
def test_the_largest_response_can_be_set(limit: int, fits: bool) -> None:
    answer = json.dumps([{"text": "x" * 1000}]).encode()
    for body, *headers in ((answer,), (gzip.compress(answer), "content-encoding: gzip")):
        found, _ = outcome(by_url, Script([response(body, *headers)]), max_answer_bytes=limit)
        assert isinstance(found, InvokeError) is not fits
        if not fits:
            assert "more than 100 bytes" in found.message
            assert "max_answer_bytes" in found.remedy


def test_a_response_with_a_byte_order_mark_is_read() -> None:
    assert outcome(by_url, Script([response(b"\xef\xbb\xbf[]", JSON)]))[0] == []


@pytest.mark.parametrize(
    "how",
    [
        {"timeout_s": float("nan")},
        {"timeout_s": float("inf")},
        {"timeout_s": -1},
        {"timeout_s": "5"},
        {"timeout_s": None},
        {"timeout_s": 1e300},
        {"timeout_s": True},
        {"concurrency": 0},
        {"concurrency": 1.5},
        {"concurrency": 10**9},
        {"concurrency": "4"},
        {"max_answer_bytes": 0},
        {"max_answer_bytes": 1e9},
    ],
)
def test_numbers_that_cannot_be(how: dict[str, Any]) -> None:
    with pytest.raises(InvokeError) as caught:
        Client("http://127.0.0.1:9", **how)
    assert next(iter(how)) in caught.value.message


# Pipes


def taken(answers: Iterator[Any]) -> tuple[list[str], BaseException | None]:
    """Return the texts of the answers, and the error after them."""
    found: list[Any] = []
    try:
        for answer in answers:
            found.append(answer)
    except BaseException as exc:
        return texts_of(found), exc
    return texts_of(found), None


def source(texts: list[Any], raises: BaseException) -> Iterator[Any]:
    yield from texts
    raise raises


@pytest.mark.parametrize(
    "raises", [ValueError("x"), KeyboardInterrupt(), SystemExit(3), GeneratorExit(), RecursionError()]
)
def test_texts_that_end_badly(raises: BaseException) -> None:
    found, error = taken(Client(Fake(echo)).pipe(source(["a", "b", "c"], raises), batch_size=1))
    assert error is raises
    assert found == ["a", "b", "c"][: len(found)]
    assert not isinstance(raises, Exception) or len(found) == 3
    assert nothing_is_left()


@pytest.mark.parametrize("bad", [None, b"bytes", 5, ["a"], "\ud800", "a\udfff", object()])
def test_values_that_are_not_texts(bad: Any) -> None:
    found, error = taken(Client(Fake(echo)).pipe(["a", "b", bad, "c"]))
    assert isinstance(error, RequestError)
    assert (found, error.key) == (["a", "b"], "texts[2]")
    assert nothing_is_left()


def test_no_texts() -> None:
    assert list(Client(Fake(echo)).pipe([])) == []
    assert list(Client(Fake(echo)).pipe(iter(()))) == []
    assert nothing_is_left()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [],
        [[]],
        [[], [], []],
        [[], None],
        [[], {}],
        [[], [1]],
        "ab",
        5,
    ],
)
def test_answers_of_another_number_or_shape(answer: Any) -> None:
    with pytest.raises(InvokeError) as caught:
        list(Client(Fake(lambda event: answer)).pipe(["a", "b"]))
    assert caught.value.remedy
    assert nothing_is_left()


@pytest.mark.parametrize("include", [["ents"], ["cats", "sents"], []])
@pytest.mark.parametrize("answer", [None, [], {"tokens": []}, "x"])
def test_parts_that_are_missing(include: list[str], answer: Any) -> None:
    if include or not isinstance(answer, dict):
        with pytest.raises(InvokeError):
            Client(Fake(lambda event: answer)).predict("a", include=include)


@pytest.mark.parametrize("kind", [ValueError, MemoryError, RecursionError, KeyboardInterrupt, SystemExit])
def test_a_transport_that_raises(kind: type[BaseException]) -> None:
    def answer(event: dict[str, Any]) -> Any:
        if event["texts"] == ["5"]:
            raise kind
        return echo(event)

    found, error = taken(Client(Fake(answer), concurrency=3).pipe(map(str, range(20)), batch_size=1))
    assert type(error) is kind
    assert found == [str(n) for n in range(5)]
    assert nothing_is_left()


@BOTH
def test_closing_while_requests_are_in_progress(make: Make) -> None:
    """Running requests end at once, not after their time."""
    silent = Script([], hold=True)
    with raw_server(Script([response(b"[[]]")]), silent) as url, make(url, timeout_s=600, concurrency=1) as client:
        answers = client.pipe(itertools.repeat("iron"), batch_size=1)
        assert next(answers) == []
        time.sleep(0.2)
        answers.close()  # type: ignore[attr-defined]
        assert nothing_is_left()


def test_a_wait_before_the_next_attempt_ends_with_the_pipe() -> None:
    def answer(event: dict[str, Any]) -> Any:
        if event["texts"] == ["0"]:
            return echo(event)
        raise failed(retryable=True, retry_after="50")

    answers = Client(Fake(answer), concurrency=2).pipe(map(str, range(9)), batch_size=1)
    assert texts_of([next(answers)]) == ["0"]
    time.sleep(0.1)
    began = time.monotonic()
    answers.close()  # type: ignore[attr-defined]
    assert nothing_is_left()
    assert time.monotonic() - began < MANY


@settings(max_examples=examples(60))
@given(
    faults=st.lists(st.sampled_from(["", "again", "smaller", "wrong"]), max_size=12),
    number=st.integers(0, 15),
    size=st.integers(1, 5),
    concurrency=st.integers(1, 4),
)
def test_no_prediction_is_lost_or_swapped(faults: list[str], number: int, size: int, concurrency: int) -> None:
    left, lock = iter(faults), threading.Lock()

    def answer(event: dict[str, Any]) -> Any:
        with lock:
            fault = next(left, "")
        if fault == "wrong":
            return echo({"texts": [*event["texts"], "one more"]})
        if fault:
            raise CallError(
                InvokeError(fault, remedy="none"), retryable=fault == "again", splittable=fault == "smaller"
            )
        return echo(event)

    texts = [f"text {n}" for n in range(number)]
    client = Client(Fake(answer), concurrency=concurrency, retry=Retry(base_s=0.0))
    found, error = taken(client.pipe(texts, batch_size=size))
    assert found == texts[: len(found)]
    assert isinstance(error, InvokeError) if len(found) < number else error is None
    assert nothing_is_left()


# The other callers


def ended(kind: type[Exception], call: Callable[[], Any]) -> Any:
    """Return the result of a call, or its error of this kind."""
    try:
        return call()
    except kind as exc:
        return exc


@pytest.mark.parametrize("kind", ODD)
def test_the_inference_api_is_not_trusted_either(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_none")
    with raw_server(Script([odd(kind)])) as url:
        found = ended(InferenceError, lambda: query_model(parse_location("hf://a/b"), "iron", endpoint=url))
    # Any JSON is shown as it came.
    assert found.remedy if isinstance(found, InferenceError) else found in (None, {}, "iron", [1, 2])
    assert "hf_none" not in str(found)


def test_the_inference_api_has_a_time_for_the_whole_call() -> None:
    for where in ("headers", "body"):
        with raw_server(Script(DRIBBLES[where], pause_s=0.05, hold=True)) as url, pytest.raises(InferenceError):
            query_model(parse_location("hf://a/b"), "iron", endpoint=url, timeout_s=0.4)


@pytest.mark.parametrize("kind", ODD)
def test_an_invocation_is_answered_or_a_known_error(kind: str) -> None:
    with raw_server(Script([odd(kind)])) as url:
        found = ended(InvokeError, lambda: invoke(url, "function", {"text": "iron"}))
    assert found.remedy if isinstance(found, InvokeError) else json.dumps(found.answer, allow_nan=False)


def test_an_invocation_has_a_time_for_all_of_it() -> None:
    for where in ("headers", "body"):
        with raw_server(Script(DRIBBLES[where], pause_s=0.05, hold=True)) as url, pytest.raises(InvokeError):
            invoke(url, "function", {"text": "iron"}, timeout_s=0.4)
