"""A request error written and read: the fields survive any wording."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spacy_lambda.core.wire_errors import from_function_error, from_problem, to_function_error, to_problem
from spacy_lambda.errors import RequestError

AWKWARD = ["", "; ", "a; b; c", '{"message": "x"}', 'a\n{"remedy": "b"}', '"', "\\", "\n", "\ud800", "\u2028", "🧪"]
WORDING = st.sampled_from(AWKWARD) | st.text(max_size=2_000)
KEYS = st.sampled_from(["text", "texts[3]", "include", "}{", "; "]) | st.text(max_size=200)
MISTAKES = st.builds(
    RequestError,
    WORDING,
    remedy=WORDING,
    key=st.none() | KEYS,
    status=st.integers(400, 499).filter(lambda status: status in (400, 413, 415)),
    keys=st.lists(KEYS, max_size=3),
)


def fields(error: RequestError | None) -> Any:
    assert error is not None
    return error.message, error.remedy, error.key, error.status, error.keys


@given(MISTAKES)
@example(
    RequestError('"texts" has 20 texts; the limit is 10', remedy='{"key": "text"}; or not', key="texts", status=413)
)
def test_function_errors(error: RequestError) -> None:
    assert fields(from_function_error(to_function_error(error))) == fields(error)


@given(MISTAKES)
def test_problems(error: RequestError) -> None:
    assert fields(from_problem(json.dumps(to_problem(error)).encode("ascii"))) == fields(error)


@given(MISTAKES)
def test_the_first_lines_are_for_people(error: RequestError) -> None:
    text = to_function_error(error)
    people, _, programs = text.rpartition("\n")
    assert people == f"{error.message}; {error.remedy}"
    assert json.loads(programs)["message"] == error.message


@given(WORDING, WORDING.filter(lambda remedy: "; " not in f"; {remedy}"[1:]))
def test_clients_that_split_at_the_last_semicolon(message: str, remedy: str) -> None:
    found, _, rest = to_function_error(RequestError(message, remedy=remedy)).rpartition("; ")
    error = RequestError(message, remedy=remedy)
    assert found == error.message
    assert rest.startswith(error.remedy)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'the key "text" is missing; send it',
        "null",
        "[]",
        "{}",
        '{"message": "m", "remedy": "r"}',
        '{"message": "m", "remedy": 1, "status": 400}',
        '{"message": "m", "remedy": "r", "status": "400"}',
        '{"message": "m", "remedy": "r", "status": 500}',
        '{"message": "m", "remedy": "r", "status": true}',
        '{"message": "m", "remedy": "r", "status": 400, "key": 1}',
        '{"message": "m", "remedy": "r", "status": 400, "keys": "text"}',
        '{"message": "m", "remedy": "r", "status": 400, "keys": [1]}',
        '{"detail": ' * 10_000,
        "\ud800",
    ],
)
def test_what_has_no_fields(text: str) -> None:
    assert from_function_error(text) is None
    assert from_problem(text.replace("message", "detail").encode("utf-8", "surrogatepass")) is None


@given(st.text() | st.binary())
def test_anything(data: str | bytes) -> None:
    if isinstance(data, str):
        assert from_function_error(data) is None or '"status"' in data
    else:
        assert from_problem(data) is None or b'"status"' in data
