"""Many texts: batches, order, bisection, and errors."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.client import Client
from spacy_lambda.client.batching import BatchLimits, batches
from spacy_lambda.client.transport import CallError, to_json
from spacy_lambda.core.lambda_limits import REQUEST_BYTES
from spacy_lambda.errors import InvokeError, RequestError
from tests.client.fakes import Clock, Fake, echo, failed, failing, texts_of

VALID = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(texts=st.lists(VALID), size=st.integers(1, 9), chars=st.integers(1, 90), concurrency=st.integers(1, 3))
def test_predictions_of_any_texts_are_in_order(texts: list[str], size: int, chars: int, concurrency: int) -> None:
    fake = Fake(echo)
    client = Client(fake, concurrency=concurrency)
    assert texts_of(client.pipe(texts, batch_size=size, batch_chars=chars)) == texts
    for body in fake.bodies:
        sent = json.loads(body)["texts"]
        assert len(sent) <= size
        assert len(sent) == 1 or sum(map(len, sent)) <= chars


@given(texts=st.lists(VALID), limit=st.integers(40, 200))
def test_batches_have_no_more_bytes_than_they_may(texts: list[str], limit: int) -> None:
    fake = Fake(echo)
    found = list(batches(texts, BatchLimits(bytes=limit), fake.cost))
    assert [text for batch in found for text in batch.texts] == texts
    assert [number for batch in found for number in batch.numbers] == [*range(len(texts))]
    for batch in found:
        assert len(batch.texts) == 1 or len(to_json(batch.texts)) - 1 <= limit


def test_no_request_is_over_lambdas_limit() -> None:
    texts = ['"\n\x01' * 500_000, "🧪" * 500_000, "x" * 3_000_000, "y" * 3_000_000, "z" * 3_000_000]
    fake = Fake(echo)
    answers = Client(fake).pipe(texts, include=["ents"], long_text="split", batch_chars=10_000_000)
    assert all(answer == {"ents": text} for answer, text in zip(answers, texts, strict=True))
    assert sorted(fake.sizes) == [1, 2, 2]
    assert max(map(len, fake.bodies)) <= REQUEST_BYTES


def test_an_endless_source_is_read_a_little_ahead() -> None:
    taken = itertools.count()
    answers = Client(Fake(echo), concurrency=2).pipe((f"text {next(taken)}" for _ in itertools.count()), batch_size=5)
    assert texts_of(itertools.islice(answers, 12)) == [f"text {n}" for n in range(12)]
    assert next(taken) <= 12 + 2 * 2 * 5 + 5
    answers.close()  # type: ignore[attr-defined]


def test_nothing_is_read_before_a_prediction_is_requested() -> None:
    def source() -> Iterator[str]:
        raise AssertionError("read")
        yield ""

    Client(Fake(echo)).pipe(source())


def test_several_at_once() -> None:
    both = threading.Barrier(2, timeout=30)

    def answer(event: dict[str, Any]) -> Any:
        both.wait()
        return echo(event)

    assert texts_of(Client(Fake(answer), concurrency=2).pipe(["a", "b"], batch_size=1)) == ["a", "b"]


def test_include_and_long_text_are_sent() -> None:
    fake = Fake(echo)
    assert list(Client(fake).pipe(["a"], include=["sents"], long_text="split")) == [{"sents": "a"}]
    assert json.loads(fake.bodies[0]) == {"texts": ["a"], "include": ["sents"], "long_text": "split"}


def refusing(bad: set[str], **how: Any) -> Fake:
    """Return a transport that fails for requests with a bad text."""

    def answer(event: dict[str, Any]) -> Any:
        if bad & set(event["texts"]):
            raise failed("it broke", **how)
        return echo(event)

    return Fake(answer)


def taken(answers: Iterator[Any]) -> tuple[list[str], Exception | None]:
    found = []
    try:
        for answer in answers:
            found += texts_of([answer])
    except Exception as exc:
        return found, exc
    return found, None


TEXTS = [f"text {n}" for n in range(20)]


@pytest.mark.parametrize("bad", [0, 1, 7, 18, 19])
def test_the_text_at_fault_is_found(bad: int) -> None:
    clock = Clock()
    fake = refusing({TEXTS[bad]}, splittable=True, retryable=True)
    client = Client(fake, concurrency=1, retry=clock.retry(max_attempts=3))
    found, error = taken(client.pipe(TEXTS))
    assert found == TEXTS[:bad]
    assert isinstance(error, InvokeError)
    assert error.message == f"texts[{bad}]: it broke"
    assert error.key == f"texts[{bad}]"
    assert len(clock.waits) == 2, "only the single text is repeated"


def test_too_large_a_response_is_requested_in_parts() -> None:
    def answer(event: dict[str, Any]) -> Any:
        if len(event["texts"]) > 3:
            raise failed(splittable=True)
        return echo(event)

    fake = Fake(answer)
    assert texts_of(Client(fake, concurrency=1).pipe(TEXTS[:8])) == TEXTS[:8]
    assert fake.sizes == [8, 4, 2, 2, 4, 2, 2]


def test_a_refused_text_is_named_by_its_number() -> None:
    def answer(event: dict[str, Any]) -> Any:
        for place, text in enumerate(event["texts"]):
            if text == "text 13":
                key = f"texts[{place}]"
                raise CallError(RequestError(f'"{key}" is bad', remedy="mend it", key=key, status=413))
        return echo(event)

    fake = Fake(answer)
    found, error = taken(Client(fake, concurrency=1).pipe(TEXTS, batch_size=8))
    assert found == TEXTS[:13]
    assert isinstance(error, RequestError)
    assert (error.message, error.key, error.status) == ('"texts[13]" is bad', "texts[13]", 413)
    assert error.remedy == "mend it"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("a\ud800b", '"texts[13]" has a lone surrogate at character 1'),
        (None, '"texts[13]" is of type NoneType, not a string'),
        ("x" * 7_000_000, '"texts[13]" takes 7,000,003 bytes'),
    ],
)
def test_texts_that_cannot_be_sent(bad: Any, message: str) -> None:
    fake = Fake(echo)
    found, error = taken(Client(fake).pipe([*TEXTS[:13], bad, "more"]))
    assert found == TEXTS[:13]
    assert isinstance(error, RequestError)
    assert message in error.message
    assert error.key == "texts[13]"
    with pytest.raises(RequestError, match=r'"text" ') as caught:
        Client(fake).predict(bad)
    assert caught.value.key == "text"


def test_a_source_that_fails() -> None:
    def source() -> Iterator[str]:
        yield from TEXTS
        raise KeyError("gone")

    found, error = taken(Client(Fake(echo)).pipe(source(), batch_size=3))
    assert found == TEXTS
    assert isinstance(error, KeyError)


def test_failures_of_no_single_text_are_not_bisected() -> None:
    fake = failing([failed("denied")])
    found, error = taken(Client(fake, concurrency=1).pipe(TEXTS))
    assert (found, len(fake.bodies)) == ([], 1)
    assert isinstance(error, InvokeError)
    assert (error.message, error.key) == ("denied", None)


def test_overload_is_waited_for_and_not_halved() -> None:
    clock = Clock()
    fake = failing([failed(retryable=True), failed(retryable=True)])
    assert texts_of(Client(fake, concurrency=1, retry=clock.retry()).pipe(TEXTS)) == TEXTS
    assert fake.sizes == [20, 20, 20]
    assert len(clock.waits) == 2


@pytest.mark.parametrize("answer", [{}, [], ["one"], None])
def test_the_response_of_something_else(answer: Any) -> None:
    found, error = taken(Client(Fake(lambda event: answer)).pipe(["a", "b"]))
    assert found == []
    assert isinstance(error, InvokeError)
    assert "one prediction for each of 2 texts" in error.message


def test_no_request_is_sent_after_it_is_closed() -> None:
    first, more = threading.Event(), threading.Event()

    def answer(event: dict[str, Any]) -> Any:
        if event["texts"] == ["0"]:
            return echo(event)
        first.set()
        assert more.wait(30)
        raise failed(retryable=True, splittable=True)

    fake = Fake(answer)
    clock = Clock()
    answers = Client(fake, concurrency=1, retry=clock.retry()).pipe(map(str, range(9)), batch_size=1)
    assert texts_of([next(answers)]) == ["0"]
    assert first.wait(30)
    answers.close()  # type: ignore[attr-defined]
    more.set()
    for thread in threading.enumerate():
        if thread.name.startswith("spacy-lambda-client"):
            thread.join(30)
    assert len(fake.bodies) == 2


def test_invalid_arguments_of_the_call() -> None:
    client = Client(Fake(echo))
    with pytest.raises(RequestError, match="must be a list of strings") as caught:
        client.pipe("one text")
    assert "predict()" in caught.value.remedy
    with pytest.raises(InvokeError, match="at least 1 is required"):
        client.pipe([], batch_size=0)
