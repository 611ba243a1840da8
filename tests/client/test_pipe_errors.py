"""Pipes that go on after texts that fail: one result for each text, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_lambda.client import Client
from spacy_lambda.client.bisection import PROBE
from spacy_lambda.client.transport import CallError
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.errors import InvokeError, RequestError, SpacyLambdaError
from tests.client.fakes import Clock, Fake, answer_to, echo, failed

GOOD, REFUSED, CRASHING = "good", "refused", "crashing"
UNSENDABLE = [None, float("nan"), np.nan, 7, b"bytes", ["good"], "\ud800", "x" * 6_500_000]
TEXTS = st.lists(st.sampled_from([GOOD, "", REFUSED, CRASHING, *UNSENDABLE]), max_size=40)
LIMITS = st.sampled_from([1, 2, 5, 1000])


def unreliable(max_texts: int = 1000, max_chars: int = 1000) -> Callable[[dict[str, Any]], Any]:
    """Return a function that refuses some texts, crashes at others, and has limits of a whole request.

    :param max_texts: Over it, the error names no text.
    :param max_chars: Over it, the error names the first text beyond.
    """

    def answer(event: dict[str, Any]) -> Any:
        texts = event["texts"]
        if len(texts) > max_texts:
            raise refusal("texts")
        refused = [number for number, text in enumerate(texts) if text == REFUSED]
        beyond = [n for n in range(1, len(texts)) if sum(map(len, texts[: n + 1])) > max_chars]
        if refused or beyond:
            raise refusal(*(f"texts[{number}]" for number in refused or beyond[:1]))
        if CRASHING in texts:
            raise failed("it crashed", splittable=True, retryable=True)
        return echo(event)

    return answer


def refusal(*keys: str) -> CallError:
    error = RequestError(f'"{keys[0]}" is refused', remedy="mend it", key=keys[0], status=413, keys=keys)
    return CallError(error, splittable=True)


def made(answer: Callable[[dict[str, Any]], Any], concurrency: int = 1) -> Client:
    return Client(Fake(answer), concurrency=concurrency, retry=Clock().retry(max_attempts=2))


def is_right(number: int, text: Any, result: Any) -> bool:
    """Return whether this is the result of a text: its prediction, or the error that is its own."""
    if text in (GOOD, ""):
        return bool(result == answer_to(text))
    fits = isinstance(result, InvokeError if text == CRASHING else RequestError)
    return fits and result.key == f"texts[{number}]" and f"texts[{number}]" in result.message


def outcome(results: Iterator[Any]) -> tuple[list[Any], Exception | None]:
    found: list[Any] = []
    try:
        for result in results:
            found.append(result)
    except Exception as exc:
        return found, exc
    return found, None


@given(
    texts=TEXTS,
    size=st.integers(1, 9),
    chars=st.integers(1, 90),
    concurrency=st.integers(1, 3),
    max_texts=LIMITS,
    max_chars=LIMITS,
)
def test_every_text_has_its_result(
    texts: list[Any], size: int, chars: int, concurrency: int, max_texts: int, max_chars: int
) -> None:
    client = made(unreliable(max_texts, max_chars), concurrency)
    pairs = client.pipe(
        zip(texts, range(len(texts)), strict=True),
        as_tuples=True,
        on_error="return",
        batch_size=size,
        batch_chars=chars,
    )
    results = list(pairs)
    assert [context for _, context in results] == [*range(len(texts))]
    assert [number for number, (result, _) in enumerate(results) if not is_right(number, texts[number], result)] == []


@given(texts=TEXTS, size=st.integers(1, 9), concurrency=st.integers(1, 3), max_texts=LIMITS, max_chars=LIMITS)
def test_the_first_error_is_the_one_that_is_raised_by_default(
    texts: list[Any], size: int, concurrency: int, max_texts: int, max_chars: int
) -> None:
    client = made(unreliable(max_texts, max_chars), concurrency)
    results = list(client.pipe(texts, on_error="return", batch_size=size))
    first = next((number for number, result in enumerate(results) if isinstance(result, Exception)), len(results))
    found, error = outcome(client.pipe(texts, batch_size=size))
    assert found == results[:first]
    assert (type(error), getattr(error, "key", None)) == next(
        ((type(result), result.key) for result in results[first:]), (type(None), None)
    )


@given(texts=TEXTS, size=st.integers(1, 9), concurrency=st.integers(1, 3), calls=st.integers(0, 20))
def test_an_error_of_the_whole_ends_the_pipe(texts: list[Any], size: int, concurrency: int, calls: int) -> None:
    predict, left = unreliable(), iter(range(calls))

    def answer(event: dict[str, Any]) -> Any:
        if next(left, None) is None:
            raise failed("access denied")
        return predict(event)

    found, error = outcome(made(answer, concurrency).pipe(texts, on_error="return", batch_size=size))
    assert [number for number, result in enumerate(found) if not is_right(number, texts[number], result)] == []
    if error is None:
        assert len(found) == len(texts)
    else:
        assert isinstance(error, InvokeError)
        assert (error.message, error.key) == ("access denied", None)


@pytest.mark.parametrize(("texts", "before"), [([None, GOOD], 1), ([GOOD, None], 0)])
def test_results_stop_where_the_whole_fails(texts: list[Any], before: int) -> None:
    def answer(event: dict[str, Any]) -> Any:
        raise failed("access denied")

    found, error = outcome(made(answer).pipe(texts, on_error="return"))
    assert len(found) == before
    assert isinstance(error, InvokeError)


def test_a_function_that_fails_for_every_text_is_at_fault_itself() -> None:
    def answer(event: dict[str, Any]) -> Any:
        raise failed("no pipeline", splittable=True, retryable=True)

    fake = Fake(answer)
    client = Client(fake, concurrency=1, retry=Clock().retry(max_attempts=2))
    found, error = outcome(client.pipe(["a", "b", "c", "d"], on_error="return"))
    assert found == []
    assert isinstance(error, InvokeError)
    assert (error.message, error.key) == ("no pipeline", None)
    assert fake.sizes == [4, 2, 1, 1, 1, 1]
    assert PROBE.encode() in fake.bodies[-1]


def test_the_requests_after_a_refused_text() -> None:
    fake = Fake(unreliable())
    texts = [GOOD, GOOD, REFUSED, GOOD, None, GOOD]
    results = list(Client(fake).pipe(texts, on_error="return"))
    assert [isinstance(result, RequestError) for result in results] == [False, False, True, False, True, False]
    assert fake.sizes == [5, 2, 1, 2]
    assert results[2].keys == ("texts[2]",), "its error is about itself alone"
    assert results[4].message == '"texts[4]" is of type NoneType, not a string'


def test_the_errors_hold_nothing_but_themselves() -> None:
    results = list(made(unreliable()).pipe([REFUSED, CRASHING, None, "\ud800"], on_error="return"))
    assert [(e.__traceback__, e.__cause__, e.__context__) for e in results] == [(None, None, None)] * 4


def test_a_function_gives_what_is_yielded_instead() -> None:
    seen = []

    def handle(text: Any, error: SpacyLambdaError) -> list[Any]:
        seen.append((text, error.message))
        return []

    column = np.array([GOOD, np.nan, None, REFUSED], dtype=object)
    assert list(made(unreliable()).pipe(column, on_error=handle)) == [answer_to(GOOD), [], [], []]
    assert seen[1:] == [
        (None, '"texts[2]" is of type NoneType, not a string'),
        (REFUSED, '"texts[3]" is refused'),
    ]


@pytest.mark.parametrize("dtype", ["object", "string", "category", None])
def test_a_column_with_missing_values(dtype: str | None) -> None:
    table = pandas.DataFrame({"id": [3, 3, 5]})
    table["text"] = pandas.Series([GOOD, None, REFUSED], dtype=dtype)
    client = made(unreliable())
    table["found"] = list(client.pipe(table["text"], on_error="return"))
    assert table["found"][0] == answer_to(GOOD)
    assert [error.key for error in table["found"][1:]] == ["texts[1]", "texts[2]"]
    rows = client.pipe(table[["text", "id"]].itertuples(index=False), as_tuples=True, on_error=lambda text, error: None)
    assert list(rows) == [(answer_to(GOOD), 3), (None, 3), (None, 5)]


@pytest.mark.parametrize("table", [pandas.DataFrame({"text": ["iron"]}), {"text": ["iron"]}])
def test_a_table_is_no_list_of_texts(table: Any) -> None:
    with pytest.raises(RequestError, match=f'"texts" is of type {type(table).__name__}, not a list') as caught:
        Client(Fake(echo)).pipe(table)
    assert 'table["text"]' in caught.value.remedy


def test_a_function_may_end_the_pipe() -> None:
    def handle(text: Any, error: SpacyLambdaError) -> None:
        raise KeyError(text)

    found, error = outcome(made(unreliable()).pipe([GOOD, REFUSED, GOOD], on_error=handle))
    assert found == [answer_to(GOOD)]
    assert isinstance(error, KeyError)


def test_a_prediction_that_is_not_the_texts_is_its_error() -> None:
    nothing: dict[str, Any] = {name: {} if name in ("cats", "spans") else [] for name in DOC_PARTS}
    client = made(lambda event: [nothing] * len(event["texts"]))
    first, second, third = client.pipe(["", "iron", ""], as_docs=True, on_error="return")
    assert isinstance(first, Doc)
    assert isinstance(third, Doc)
    assert isinstance(second, InvokeError)
    assert second.key == "texts[1]"
    assert second.message.startswith("texts[1]: the tokens of the prediction do not add up")
    docs = client.pipe(["", "iron", ""], as_docs=True)
    assert isinstance(next(docs), Doc)
    with pytest.raises(InvokeError) as caught:
        next(docs)
    assert caught.value.key == "texts[1]"


def test_a_source_that_fails_ends_the_pipe() -> None:
    def source() -> Iterator[Any]:
        yield from (GOOD, None)
        raise RequestError("gone", remedy="none")

    found, error = outcome(made(unreliable()).pipe(source(), on_error="return"))
    assert len(found) == 2
    assert str(error) == "gone; none"


def test_an_endless_source_of_missing_values() -> None:
    results = made(unreliable()).pipe(iter(lambda: None, ""), on_error="return", batch_size=3)
    assert [next(results).key for _ in range(4)] == [f"texts[{number}]" for number in range(4)]


@pytest.mark.parametrize("on_error", ["skip", None, ["raise"]])
def test_unknown_treatments_of_errors(on_error: Any) -> None:
    client: Any = made(unreliable())
    with pytest.raises(InvokeError, match=re.escape(f"on_error is {on_error!r}")) as caught:
        client.pipe([], on_error=on_error)
    assert "raise, return" in caught.value.remedy
