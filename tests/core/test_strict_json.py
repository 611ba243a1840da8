"""JSON from outside: taken where it is plain, refused by one error in every other case."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.core.strict_json import check_fields, read_json
from spacy_lambda.errors import InvalidPipelineError, JsonError

LIMIT = 4_000_000
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n",
    "half": b'{"a": ',
    "more": b"{} {}",
    "open arrays": b"[" * 100_000,
    "open objects": b'{"a":' * 100_000,
    "closed arrays": b"[" * 100_000 + b"]" * 100_000,
    "34 arrays": b"[" * 34 + b"]" * 34,
    "900 arrays": b"[" * 900 + b"]" * 900,
    "900 objects": b'{"a":' * 900 + b"1" + b"}" * 900,
    "many arrays": b"[" + b"[]," * 300_000 + b"[]]",
    "NaN": b"[NaN]",
    "Infinity": b'{"a": Infinity}',
    "-Infinity": b"-Infinity",
    "1e999": b"[1e999]",
    "-1e999": b"-1e999",
    "long integer": b"[" + b"9" * 5000 + b"]",
    "integer of 4000 digits": b"9" * 4000,
    "integer of 22 digits": b"[1000000000000000000000]",
    "negative": b"-100000000000000000000",
    "key twice": b'{"sha256": "a", "sha256": "b"}',
    "key twice, escaped": b'{"a": 1, "\\u0061": 2}',
    "key twice, below": b'[{"b": {"a": 1, "a": 1}}]',
    "latin-1": '"é"'.encode("latin-1"),
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "mark of order": b"\xef\xbb\xbf{}",
    "overlong": b'"\xc0\xaf"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "lone surrogate": b'"\\ud800"',
    "lone surrogate as key": b'{"\\udfff": 1}',
    "lone surrogate below": b'[[{"a": ["\\udc00"]}]]',
    "control character": b'"\n"',
    "zero byte": b'{"a": 1}\0',
    "quotes": b"{'a': 1}",
    "comma": b"[1,]",
    "comment": b"[1] // x",
    "too long": b'"' + b"a" * LIMIT + b'"',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(JsonError) as caught:
        read_json(data, name="the record", max_bytes=LIMIT)
    assert caught.value.message.startswith("the record ")
    assert caught.value.remedy
    assert len(caught.value.message) < 500
    if len(data) < LIMIT:
        (tmp_path / "meta.json").write_bytes(data)
        with pytest.raises(InvalidPipelineError):
            read_meta(tmp_path / "meta.json")


PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(-(2**64), 2**64), st.floats(allow_nan=False, allow_infinity=False)),
        st.text(st.characters(exclude_categories=["Cs"])),
    ),
    lambda below: (
        st.lists(below, max_size=5) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), below)
    ),
    max_leaves=20,
)


@given(PLAIN, st.booleans())
def test_plain_json_is_read_as_it_is(value: Any, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert read_json(data, name="x", max_bytes=LIMIT) == value


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0d8e1+-.NaIfty\n ', max_size=200).map(str.encode))
def test_bytes_at_random(data: bytes) -> None:
    with suppress(JsonError):
        content = read_json(data, name="x", max_bytes=LIMIT)
        assert read_json(json.dumps(content, allow_nan=False).encode(), name="x", max_bytes=LIMIT) == content


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "a",
        1,
        {},
        {"a": 1},
        {"a": 1, "b": "x", "c": 2},
        {"a": True, "b": "x"},
        {"a": 1.0, "b": "x"},
        {"a": 1, "b": 2},
    ],
)
def test_other_fields_are_refused(content: Any) -> None:
    with pytest.raises(JsonError):
        check_fields(content, {"a": int, "b": str}, name="it")
    assert check_fields({"a": 1, "b": "x"}, {"a": int, "b": str}, name="it")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "[1, [NaN]]", "[{}, NaN]"])
def test_an_invalid_number_is_named_with_its_key(value: str) -> None:
    data = f'{{"a": 1, "performance": {{"ents_f": {value}}}}}'.encode()
    with pytest.raises(JsonError, match=r"'ents_f': -?(NaN|Infinity) is not a JSON number"):
        read_json(data, name="meta.json", max_bytes=1000)
    with pytest.raises(JsonError, match="is not a JSON number"):
        read_json(f"[{value}]".encode(), name="meta.json", max_bytes=1000)
