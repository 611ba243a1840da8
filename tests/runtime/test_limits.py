"""Limits of a request: they follow from memory, timeout and speed, and errors come in time."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.capacity import Capacity
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.events.jsonl import predict_lines
from spacy_lambda.runtime.events.kinesis import KinesisEvent
from spacy_lambda.runtime.events.sqs import SqsEvent
from spacy_lambda.runtime.limits import derive_limits
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import parse_request
from spacy_lambda.runtime.speed import Speed, _estimated, read_speed
from tests.runtime.fakes import left, processed, url_event

SPEED = Speed("wordpieces", 2e-4, 3.2)
HARD = "=" * 30_000


def limits_of(memory_mb: int, timeout_s: float, environ: dict[str, str] | None = None) -> Any:
    return derive_limits(
        SPEED,
        environ or {},
        cpus=memory_mb / 1769,
        timeout_s=timeout_s,
        free_bytes=(memory_mb - 200) * 1e6,
        bytes_per_unit=11_000,
        max_length=1_000_000,
    )


def test_limits_grow_with_memory_and_timeout() -> None:
    grown = [
        limits_of(memory, timeout) for memory, timeout in ((512, 3), (512, 30), (1769, 30), (3008, 30), (3008, 900))
    ]
    for smaller, larger in pairwise(grown):
        assert smaller.total_characters < larger.total_characters
        assert smaller.text_characters <= larger.text_characters
        assert smaller.texts <= larger.texts
    assert all(1 <= limits.text_characters <= limits.total_characters for limits in grown)
    assert limits_of(1769, 30).text_characters == 12_000
    assert limits_of(1769, 30).total_characters == 380_000
    assert limits_of(256, 900).text_units < limits_of(3008, 900).text_units / 10  # the memory of the smaller one


@pytest.mark.parametrize("timeout", [0.1, 1, 3, 30, 900])
@pytest.mark.parametrize("memory", [128, 512, 10_240])
def test_a_text_within_the_limit_ends_in_time(memory: int, timeout: float) -> None:
    limits = limits_of(memory, timeout)
    assert limits.text_units * SPEED.on(memory / 1769) <= 0.8 * timeout + SPEED.on(memory / 1769)


@pytest.mark.parametrize(("timeout", "least"), [(30, 2048), (900, 6000), (3, 600)])
def test_a_slow_pipeline_still_takes_some_pages_of_text(timeout: float, least: int) -> None:
    slow = Speed("wordpieces", 3.6e-3, 3.2)
    limits = derive_limits(
        slow, {}, cpus=1, timeout_s=timeout, free_bytes=1e9, bytes_per_unit=20_000, max_length=1_000_000
    )
    assert limits.text_units >= least
    assert limits.text_units * slow.on(1) <= 0.8 * timeout


@pytest.mark.slow
def test_limits_can_be_set(nlp: Language) -> None:
    names = {"TEXT": "2000000", "TEXTS": "7", "TOTAL": "3000000"}
    function = Predictor(nlp, {f"SPACY_LAMBDA_MAX_{name}": value for name, value in names.items()})
    limits = function.capacity.limits
    assert (limits.text_characters, limits.texts, limits.total_characters) == (
        2_000_000,
        7,
        3_000_000,
    )
    assert nlp.max_length == 2_000_000
    assert function.predict(function.parse({"text": f"{'a' * 19} " * 60_000 + "iron"}))[0]["start"] == 1_200_000


@pytest.mark.parametrize("value", ["0", "-1", "1e9", "many", "1.5", "٣"])
def test_a_wrong_setting_leaves_the_default(value: str, nlp: Language, caplog: pytest.LogCaptureFixture) -> None:
    default = Capacity(nlp, {}).limits
    with caplog.at_level(logging.WARNING):
        assert Capacity(nlp, {"SPACY_LAMBDA_MAX_TEXTS": value}).limits == default
    assert "SPACY_LAMBDA_MAX_TEXTS is ignored" in caplog.text


def test_the_timeout_is_learned(nlp: Language) -> None:
    function = Predictor(nlp, {})
    dispatch({"text": "iron"}, left(2_500), function)
    first = function.capacity.limits
    dispatch({"text": "iron"}, left(299_990), function)
    assert function.capacity.timeout_s == 300
    assert function.capacity.limits.total_characters > 50 * first.total_characters
    dispatch({"text": "iron"}, left(100_000), function)
    assert function.capacity.timeout_s == 300


@pytest.mark.parametrize(
    ("event", "key", "message"),
    [
        ({"texts": [""] * 11}, "texts", '"texts" has 11 texts; the limit is 10'),
        ({"inputs": [""] * 11}, "inputs", '"inputs" has 11 texts; the limit is 10'),
        ({"texts": ["x" * 20] * 6}, "texts", '"texts" has 120 characters in total; the limit is 100'),
        ({"text": "x " * 60, "long_text": "split"}, "text", '"text" has 120 characters in total; the limit is 100'),
    ],
)
def test_requests_over_the_limits(event: Any, key: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_request(event, max_length=20, max_texts=10, max_total=100)
    assert (caught.value.key, caught.value.status, caught.value.message) == (key, 413, message)


def test_every_text_at_fault_is_named() -> None:
    with pytest.raises(RequestError) as caught:
        parse_request({"texts": ["", "x" * 9, 3, "\ud800", *["x" * 9] * 30]}, max_length=8)
    assert caught.value.key == "texts[1]"
    assert caught.value.keys[:4] == ("texts[1]", "texts[2]", "texts[3]", "texts[4]")
    assert len(caught.value.keys) == 33
    assert "also at fault: texts[2], texts[3]" in caught.value.message
    assert "and 12 more" in caught.value.message


def test_hard_texts_are_refused_before_any_text_is_processed(nlp: Language) -> None:
    with pytest.raises(RequestError) as caught:
        dispatch({"texts": ["iron", HARD, "iron", HARD]}, None, Predictor(nlp, {}))
    assert (caught.value.key, caught.value.keys, caught.value.status) == ("texts[1]", ("texts[1]", "texts[3]"), 413)
    assert processed == []


def test_a_text_of_too_many_tokens_is_refused_before_any_is_processed(nlp: Language) -> None:
    function = Predictor(nlp, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"})
    limits = function.capacity.limits
    text = "! " * (limits.text_characters // 2)
    assert len(text) <= limits.text_characters
    with pytest.raises(
        RequestError, match=rf'"texts\[1\]" makes [\d,]+ tokens; the limit is {limits.text_units:,}'
    ) as caught:
        dispatch({"texts": ["iron", text]}, None, function)
    assert (caught.value.key, caught.value.status) == ("texts[1]", 413)
    assert processed == []
    assert dispatch({"text": text, "long_text": "split"}, None, function) == []


class Written:
    def __init__(self) -> None:
        self.bodies: dict[str, Any] = {}

    def write(self, name: str, body: bytes) -> None:
        self.bodies[name] = json.loads(body)


def sqs(bodies: list[Any]) -> dict[str, Any]:
    records = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body)}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def test_of_a_batch_only_the_hard_text_fails(nlp: Language) -> None:
    written = Written()
    event = sqs([{"text": "iron"}, {"text": HARD}, {"texts": ["iron", HARD]}, {"text": "iron"}])
    answer = SqsEvent(lambda environ: written).handle(event, None, Predictor(nlp, {}))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert sorted(written.bodies) == ["0", "3"]
    assert processed == ["iron", "iron"]


class Slow(Capacity):
    """Time for so many chunks, each of one text."""

    chunks = 2
    chunk_units = 0

    @property
    def remaining_s(self) -> float:
        return 1e9 if len(processed) < self.chunks else -1.0


def test_messages_that_are_not_reached_come_back(nlp: Language) -> None:
    written = Written()
    function = Predictor(nlp, {}, capacity=Slow(nlp, {}))
    answer = SqsEvent(lambda environ: written).handle(sqs([{"text": "iron"}] * 4), None, function)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "3"}]}
    assert sorted(written.bodies) == ["0", "1"]


def test_records_that_are_not_reached_are_read_again(nlp: Language) -> None:
    written = Written()
    data = base64.b64encode(b'{"text": "iron"}').decode()
    records = [
        {"eventID": str(n), "eventSource": "aws:kinesis", "kinesis": {"data": data, "sequenceNumber": str(n)}}
        for n in range(4)
    ]
    function = Predictor(nlp, {}, capacity=Slow(nlp, {}))
    answer = KinesisEvent(lambda environ: written).handle({"Records": records}, None, function)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert sorted(written.bodies) == ["0", "1"]


def test_lines_that_are_not_reached_raise_an_error(nlp: Language) -> None:
    function = Predictor(nlp, {}, capacity=Slow(nlp, {}))
    lines: Iterator[bytes] = predict_lines([b'{"text": "iron"}'] * 4, function)
    with pytest.raises(RequestError, match="in the time that is left"):
        list(lines)


def test_a_request_that_cannot_end_in_time_is_refused_before_it_begins(nlp: Language) -> None:
    function = Predictor(nlp, {"SPACY_LAMBDA_MAX_TEXT": "1000000"})
    limit = r"the limit is 0\.[\d]+ s, what is left of the timeout of 1 s; send"
    with pytest.raises(RequestError, match=rf'"texts" takes about [\d.,]+ s; {limit}') as caught:
        dispatch({"texts": ["a " * 2000] * 20}, left(900), function)
    assert type(caught.value) is RequestError
    assert (caught.value.status, processed) == (413, [])
    assert "send fewer texts at once" in caught.value.remedy


def test_a_request_that_turns_out_slower_ends_with_an_error_in_time(nlp: Language) -> None:
    function = Predictor(nlp, {}, capacity=Slow(nlp, {}))
    with pytest.raises(RequestError, match="in the time that is left"):
        dispatch({"texts": ["iron"] * 5}, None, function)
    assert processed == ["iron", "iron"]


def expected_s(capacity: Capacity, units: int) -> float:
    return capacity.seconds(units) / capacity.slowness


def test_the_speed_is_observed(nlp: Language) -> None:
    capacity = Capacity(nlp, {})
    expected = capacity.seconds_per_unit
    for _ in range(9):
        capacity.observe(10, 1, 1e3)  # too little work to say anything
    assert capacity.seconds_per_unit == expected
    for _ in range(9):
        capacity.observe(10_000, 1, 1.2 * expected_s(capacity, 10_000))
    assert capacity.seconds_per_unit == pytest.approx(1.2 * expected)
    for _ in range(9):
        capacity.observe(10_000, 1, 0.8 * expected_s(capacity, 10_000))
    assert capacity.seconds_per_unit == pytest.approx(0.8 * expected)


@pytest.mark.parametrize("odd", [0.0, 1e-9, 100.0, 1e9])
def test_few_requests_do_not_change_the_pace(odd: float, nlp: Language) -> None:
    capacity = Capacity(nlp, {})
    expected = capacity.seconds_per_unit
    for _ in range(4):
        capacity.observe(10_000, 1, odd * expected_s(capacity, 10_000))
    assert capacity.seconds_per_unit == expected


@pytest.mark.parametrize("odd", [0.0, 1e-9, 100.0, 1e9])
def test_the_pace_is_bounded_and_recovers(odd: float, nlp: Language) -> None:
    capacity = Capacity(nlp, {})
    expected = capacity.seconds_per_unit
    for _ in range(50):
        capacity.observe(10_000, 1, odd * expected_s(capacity, 10_000))
    assert expected / 2 <= capacity.seconds_per_unit <= 2 * expected
    for _ in range(9):
        capacity.refuse()
    assert capacity.seconds_per_unit == expected


def test_a_text_over_its_limit_is_reported_before_the_time(nlp: Language) -> None:
    function = Predictor(nlp, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "SPACY_LAMBDA_MAX_TOTAL": "1000000"})
    text = "! " * (function.capacity.limits.text_characters // 2)
    for event, key in (({"text": text}, "text"), ({"texts": ["a", text, text]}, r"texts\[1\]")):
        with pytest.raises(RequestError, match=rf'"{key}" makes [\d,]+ tokens'):
            dispatch(event, left(600), function)


def test_refusals_for_time_correct_the_pace(nlp: Language) -> None:
    function = Predictor(nlp, {"SPACY_LAMBDA_MAX_TEXT": "1000000"})
    expected = function.capacity.seconds_per_unit
    for _ in range(9):
        function.capacity.observe(10_000, 1, 1e6)
    assert function.capacity.seconds_per_unit > expected
    for _ in range(9):
        with pytest.raises(RequestError, match="takes about"):
            dispatch({"texts": ["a " * 2000] * 20}, left(900), function)
    assert function.capacity.seconds_per_unit == expected


@pytest.mark.parametrize("memory", ["128", "512", "1769", "3008"])
@pytest.mark.parametrize("timeout_s", [1, 3, 30, 900])
def test_the_maximum_number_of_texts_fits_the_time(memory: str, timeout_s: int, nlp: Language) -> None:
    capacity = Capacity(nlp, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory})
    capacity.begin(left(timeout_s * 1000))
    for _ in range(9):
        capacity.observe(1_000_000, 1, 1e9)  # as slow as can be
    assert capacity.limits.texts * capacity.smallest_s <= 0.8 * timeout_s


class Counting(Capacity):
    """Counts what is tokenized."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        make, look = self.tokenizing.make_doc, self.tokenizing.cost
        self.made, self.measured = list[int](), list[int]()

        def make_doc(text: str, *more: Any) -> Doc:
            self.made.append(len(text))
            return make(text, *more)

        def cost(text: str) -> Any:
            self.measured.append(len(text))
            return look(text)

        tokenizing: Any = self.tokenizing
        tokenizing.make_doc, tokenizing.cost = make_doc, cost


@pytest.mark.parametrize(
    "event",
    [
        {"texts": ["a " * 2_000] * 200},
        {"texts": ["a " * 1_000 + "\U0001f600"] * 400},
        {"text": "a " * 400_000, "long_text": "split"},
        {"inputs": ["! " * 2_000] * 200},
    ],
)
def test_a_request_is_refused_as_soon_as_it_is_known_to_be_too_large(event: Any, nlp: Language) -> None:
    environ = {"SPACY_LAMBDA_MAX_TOTAL": "10000000", "SPACY_LAMBDA_MAX_TEXT": "5000"}
    capacity = Counting(nlp, environ)
    with pytest.raises(RequestError, match=r"takes about [\d.,]+ s") as caught:
        dispatch(event, left(2_000), Predictor(nlp, environ, capacity=capacity))
    assert caught.value.status == 413
    assert 0 < sum(capacity.made) < 200_000
    assert processed == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "event",
    [
        {"texts": ["=" * 9_000] * 40},
        {"texts": ["=" * 10_001] * 40},
        {"texts": ["a" + "\U0001f600" * 39] * 10_000},
        {"texts": ["(" * 140] * 2_800},
        {"text": ("=" * 9_999 + " ") * 40, "long_text": "split"},
    ],
)
def test_many_hard_texts_share_a_bound(event: Any, nlp: Language) -> None:
    environ = {"SPACY_LAMBDA_MAX_TOTAL": "10000000", "SPACY_LAMBDA_MAX_TEXTS": "10000"}
    capacity = Counting(nlp, environ)
    with pytest.raises(RequestError) as caught:
        dispatch(event, left(30_000), Predictor(nlp, environ, capacity=capacity))
    assert caught.value.status == 413
    assert capacity.made == []
    assert sum(capacity.measured) < 400_000


@pytest.mark.parametrize("measured", [{}, {"unit": "wordpieces"}, {"seconds_per_1000_units": "x"}, [], None, 3])
def test_a_speed_that_is_none_is_estimated(measured: Any, nlp: Language) -> None:
    nlp.meta["spacy_lambda"] = {"speed": measured}
    if not isinstance(measured, dict | None):
        nlp.meta["spacy_lambda"] = {"speed": measured or None}
    assert read_speed(nlp) == Speed("tokens", 6e-5, 5.4)


def test_weights_that_grow_in_memory_are_as_slow_as_those_that_are_large() -> None:
    small = {"encoders": {"transformer": {"bytes": 1_000_000}}}
    large = {"encoders": {"transformer": {"bytes": 4_000_000}}}
    expected = _estimated({**large, "precision": "fp32"}, "wordpieces")
    assert _estimated({**small, "precision": "int8-weight-only"}, "wordpieces") == expected
    assert _estimated({**small, "precision": "int8"}, "wordpieces") < expected


def test_limits_are_reported(nlp: Language) -> None:
    function = Predictor(nlp, {"SPACY_LAMBDA_MAX_TEXT": "1234", "SPACY_LAMBDA_MAX_TEXTS": "77"})
    event = url_event(None)
    event["requestContext"]["http"]["method"] = "GET"
    info = json.loads(dispatch({**event, "rawPath": "/info"}, left(30_000), function)["body"])
    assert info["max_length"] == info["limits"]["characters_per_text"] == 1234
    assert info["limits"]["texts_per_request"] == 77
    assert set(info["limits"]) == {
        "characters_per_text",
        "texts_per_request",
        "characters_per_request",
        "tokens_per_text",
        "timeout_s",
    }
    assert info["limits"]["timeout_s"] == 30
    document = dispatch({**event, "rawPath": "/openapi.json"}, left(30_000), function)["body"]
    assert "Up to 1,234 characters" in document
    assert "Up to 77 texts" in document
