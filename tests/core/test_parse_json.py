"""JSON of requests and answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.core.strict_json import MAX_VALUE_DEPTH, parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=VALUES)
def test_what_is_json_is_read(value: Any) -> None:
    text = json.dumps(value)
    assert parse_json(text) == parse_json(text.encode()) == value


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("depth", [MAX_VALUE_DEPTH + 1, 1000, 100_000])
def test_what_is_nested_too_deeply_is_refused(opening: str, depth: int) -> None:
    closing = opening[::-1].translate(str.maketrans("[{", "]}", ':a"'))
    text = opening * depth + "1" + closing * depth
    for data in (text, text.encode()):
        with pytest.raises(ValueError, match="nested more than 100 deep"):
            parse_json(data)


def test_the_deepest_that_is_read() -> None:
    text = "[" * MAX_VALUE_DEPTH + "]" * MAX_VALUE_DEPTH
    assert json.dumps(parse_json(text)) == text
    assert len(parse_json("[" + ",".join(["{}"] * 1000) + "]")) == 1000
    assert parse_json(json.dumps("[" * 1000)) == "[" * 1000


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "[1.0e400]", "1" * 5000, "", "\x00", "[1,]", "{1: 2}"]
)
def test_invalid_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json(text)


@pytest.mark.parametrize("data", [b"\xff\xff", b"\x00\x00\x00", b'"\xed\xa0\x80"'])
def test_bytes_that_are_not_utf_8_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json(data)


def test_a_key_that_occurs_twice_is_named() -> None:
    text = "{" + ",".join(f'"{number % 50_000}":0' for number in range(50_001)) + "}"
    with pytest.raises(ValueError, match="the key '0' occurs twice"):
        parse_json(text, unique_keys=True)
