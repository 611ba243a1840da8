"""Annotated documents out and in again, in each format that holds them."""

from __future__ import annotations

import csv
import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_lambda.core.annotation import encode_line
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus import annotate
from spacy_lambda.corpus.formats.documents import escaped
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.formats import NLP, plain, prediction, read, write

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.booleans(),
    st.integers(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.lists(st.integers(0, 9), max_size=3),
    st.lists(st.fixed_dictionaries({"a": TEXT, "b": st.none() | st.integers(0, 9)}), max_size=3),
    st.fixed_dictionaries({"a": TEXT, "b": st.lists(st.booleans(), max_size=2)}),
    st.recursive(st.none() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=2), max_leaves=3),
)
"""Values of one column each; those of the last have no common type."""


@st.composite
def corpora(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(TEXT.filter(lambda name: name not in ("id", "text", "ents")), unique=True, max_size=3))
    columns = {name: st.none() | draw(st.sampled_from(SCALARS)) for name in names}
    identifier = draw(st.sampled_from([TEXT, st.integers(-(2**63), 2**63 - 1)]))
    return draw(st.lists(st.fixed_dictionaries({"id": identifier, **columns, "text": TEXT}), max_size=4))


@settings(max_examples=60, deadline=None)
@given(corpora())
def test_json_lines(lines: list[dict[str, Any]]) -> None:
    assert [plain(one) for one in read("jsonl", write("jsonl", lines))] == lines


@settings(max_examples=80, deadline=None)
@given(corpora())
def test_parquet(lines: list[dict[str, Any]]) -> None:
    found = [plain(one) for one in read("parquet", write("parquet", lines))]
    assert [(one["id"], one["text"]) for one in found] == [(one["id"], one["text"]) for one in lines]
    for before, after in zip(lines, found, strict=True):
        assert before.keys() == after.keys()
        assert all(is_held(before[name], after[name]) for name in before)


def is_held(before: Any, after: Any) -> bool:
    """Return whether a value is the same, or held as JSON, in all or in part."""
    if before == after:
        return True
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(is_held, before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(is_held(before[key], after[key]) for key in before)
    return isinstance(after, str) and bool(json.loads(after) == before)


@settings(max_examples=30, deadline=None)
@given(corpora())
def test_docbin(lines: list[dict[str, Any]]) -> None:
    parts = [prediction(NLP(line["text"])) for line in lines]
    found = read("spacy", write("spacy", [{**line, **own} for line, own in zip(lines, parts, strict=True)]))
    assert [plain(one) for one in found] == [big_as_strings(line) for line in lines]


def big_as_strings(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: big_as_strings(one) for key, one in value.items()}
    if isinstance(value, list):
        return [big_as_strings(one) for one in value]
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 and value != -(2**63) else value


def test_json_lines_have_null_for_numbers_that_json_does_not_have() -> None:
    line = {"id": 1, "cats": {"a": math.nan, "b": 0.5}, "x": [math.inf, {"y": (-math.inf, "NaN")}]}
    expected = {"id": 1, "cats": {"a": None, "b": 0.5}, "x": [None, {"y": [None, "NaN"]}]}
    assert parse_json(encode_line(line)) == expected


def test_lone_surrogates_are_replaced() -> None:
    line = {"id": "\ud800", "x": "a\ud800", "y": {"\ud800": 1}, "text": "iron", **prediction(NLP("iron"))}
    for form in ("parquet", "spacy"):
        (found,) = read(form, write(form, [line]))
        assert (found.id, found.others["x"], found.text) == ("\ufffd", "a\ufffd", "iron")


@pytest.mark.parametrize("form", ["parquet", "spacy"])
def test_lone_surrogates_in_keys_are_escaped(form: str) -> None:
    parts = prediction(NLP("iron")) | {"cats": {"\ud800": 1.0, "b": None}}
    (found,) = read(form, write(form, [{"id": 1, "\ud800": 1, "a\ud801": 2, "text": "iron", **parts}]))
    assert (found.others["\\ud800"], found.others["a\\ud801"]) == (1, 2)
    expected = [("\\ud800", 1.0), ("b", None)] if form == "parquet" else {"\\ud800": 1.0}
    assert found.others["cats"] == expected


NAME_PARTS = st.sampled_from(["\ud800", "\udfff", "ud800", "udfff", "uD800", "\\", "a"])


@given(st.lists(st.lists(NAME_PARTS, max_size=6).map("".join), unique=True, min_size=2, max_size=40))
def test_names_stay_different(names: list[str]) -> None:
    found = [escaped(name) for name in names]
    assert len(set(found)) == len(names)
    assert "".join(found).isascii()


@pytest.mark.parametrize("form", ["parquet", "spacy"])
def test_keys_that_look_like_an_escape_are_kept_apart(form: str) -> None:
    keys = {"\ud800": 1, "\\ud800": 2, "\\\ud800": 3, "C:\\data": 4}
    (found,) = read(form, write(form, [{"id": 1, **keys, "text": "iron", **prediction(NLP("iron"))}]))
    values = {key: value for key, value in found.others.items() if value in keys.values()}
    assert values == {r"\ud800": 1, r"\\ud800": 2, r"\\\ud800": 3, r"C:\data": 4}


def test_entities_as_a_table(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = tmp_path / "corpus.csv"
    source.write_bytes(b'id,text,x\na,"iron, then ""heat""",1\nb,,2\n"c,\n""d""",glass,3\n')
    for name, between in (("out.csv", ","), ("out.tsv", "\t"), ("out.csv.gz", ",")):
        annotate(source, tmp_path / name, pipeline=pipeline, on=engine)
        opened = gzip.open if name.endswith(".gz") else open
        with opened(tmp_path / name, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, delimiter=between))
        assert rows == [
            ["id", "text", "label", "start", "end"],
            ["a", "iron", "MATERIAL", "0", "4"],
            ["a", "heat", "PROCESS", "12", "16"],
            ['c,\n"d"', "glass", "MATERIAL", "0", "5"],
        ]
    with pytest.raises(CorpusError, match="csv cannot hold sents, only ents"):
        annotate(source, tmp_path / "o.csv", pipeline=pipeline, on=engine, include=["ents", "sents"])


def test_gzip_has_no_date(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = tmp_path / "corpus.jsonl"
    source.write_bytes(b'{"text": "iron"}\n{"text": 3}\n')
    summary = annotate(source, tmp_path / "out.jsonl.gz", pipeline=pipeline, on=engine)
    content = (tmp_path / "out.jsonl.gz").read_bytes()
    assert content[4:8] == b"\0\0\0\0"
    assert content[3] == 0  # no name either
    assert json.loads(gzip.decompress(content))["text"] == "iron"
    assert summary.errors_file == "out.jsonl.gz.errors.jsonl"
