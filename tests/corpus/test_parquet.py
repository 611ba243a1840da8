"""Parquet: types that JSON does not have, the schema of an output, and files that cannot be read."""

from __future__ import annotations

import base64
import datetime
import decimal
import io
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.corpus import annotate
from spacy_lambda.corpus.formats import parquet as parquet_format
from spacy_lambda.corpus.formats.arrow_inference import MAX_DEPTH
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.formats import read, write

NOON = datetime.datetime(2026, 3, 1, 12, 0, 0, 123456)
TABLE = {
    "dictionary": pa.array(["a", None, "a"]).dictionary_encode(),
    "large": pa.array(["a", None, "b"], pa.large_string()),
    "when": pa.array([NOON, None, NOON], pa.timestamp("us")),
    "when_ns": pa.array([1, None, -1], pa.timestamp("ns")),
    "zoned": pa.array([NOON, None, NOON], pa.timestamp("ms", "Europe/Berlin")),
    "day": pa.array([datetime.date(2026, 3, 1), None, datetime.date(1066, 10, 14)], pa.date32()),
    "time": pa.array([1, None, 86_399_999_999_999], pa.time64("ns")),
    "time_ms": pa.array([0, None, 86_399_999], pa.time32("ms")),
    "took": pa.array([5, None, -5], pa.duration("ms")),
    "price": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("-3.00")], pa.decimal128(10, 2)),
    "bytes": pa.array([b"\0\xff", None, b""], pa.binary()),
    "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "half": pa.array([1.5, None, -2.0], pa.float32()),
    "small": pa.array([1, None, 255], pa.uint8()),
    "big": pa.array([1, None, 2**64 - 1], pa.uint64()),
    "flag": pa.array([True, None, False]),
    "nothing": pa.nulls(3),
    "nested": pa.array(
        [{"when": [NOON], "image": {"bytes": b"\1", "path": "x"}}, None, {"when": None, "image": None}],
        pa.struct(
            [
                ("when", pa.list_(pa.timestamp("ns", "UTC"))),
                ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ]
        ),
    ),
    "matrix": pa.array([[[1, 2]], None, []], pa.list_(pa.list_(pa.int16(), 2))),
    "map": pa.array([[("a", NOON)], None, []], pa.map_(pa.string(), pa.timestamp("us"))),
}


def table() -> pa.Table:
    return pa.table({"text": ["iron", "glass and heat", ""], "id": ["x", None, "z"], **TABLE})


def test_values_that_json_does_not_have(tmp_path: Path) -> None:
    found = read("parquet", as_bytes(table()))
    assert [one.id for one in found] == ["x", "file:2", "z"]
    assert found[1].others == dict.fromkeys(TABLE)
    assert json.loads(json.dumps(found[0].others, allow_nan=False)) == {
        "dictionary": "a",
        "large": "a",
        "when": "2026-03-01T12:00:00.123456",
        "when_ns": "1970-01-01T00:00:00.000000001",
        "zoned": "2026-03-01T12:00:00.123Z",
        "day": "2026-03-01",
        "time": "00:00:00.000000001",
        "time_ms": "00:00:00.000",
        "took": 5,
        "price": "1.10",
        "bytes": base64.b64encode(b"\0\xff").decode(),
        "fixed": "YWI=",
        "half": 1.5,
        "small": 1,
        "big": 1,
        "flag": True,
        "nothing": None,
        "nested": {"when": ["2026-03-01T12:00:00.123456000Z"], "image": {"bytes": "AQ==", "path": "x"}},
        "matrix": [[1, 2]],
        "map": [["a", "2026-03-01T12:00:00.123456"]],
    }


def test_numbers_that_json_does_not_have() -> None:
    (found,) = read("parquet", as_bytes(pa.table({"text": ["a"], "x": [math.nan], "y": [[-math.inf, 1.0]]})))
    assert found.others == {"x": None, "y": [None, 1.0]}


def as_bytes(content: pa.Table, **options: Any) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(content, stream, **options)
    return stream.getvalue()


def test_columns_of_parquet_come_back_with_their_types(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    before = table()
    parquet.write_table(before, tmp_path / "corpus.parquet", row_group_size=2)
    annotate(tmp_path / "corpus.parquet", tmp_path / "out.parquet", pipeline=pipeline, on=engine)
    after = parquet.read_table(tmp_path / "out.parquet")
    for name in TABLE:
        expected = before[name].combine_chunks()
        if pa.types.is_dictionary(expected.type):
            expected = expected.cast(pa.string())
        assert after[name].combine_chunks().equals(expected), name
    assert after["id"].to_pylist() == ["x", "corpus.parquet:2", "z"]
    assert after.column_names == ["id", *TABLE, "text", "ents"]
    assert after["ents"].to_pylist()[1] == [
        {"text": "glass", "label": "MATERIAL", "start": 0, "end": 5},
        {"text": "heat", "label": "PROCESS", "start": 10, "end": 14},
    ]


def test_sources_of_different_types(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = tmp_path / "corpus"
    source.mkdir()
    when = pa.array([NOON], pa.timestamp("us"))
    parquet.write_table(pa.table({"text": ["iron"], "x": pa.array([1], pa.int8()), "when": when}), source / "a.parquet")
    parquet.write_table(pa.table({"text": ["heat"], "x": ["1"], "when": when}), source / "b.parquet")
    annotate(source, tmp_path / "out.parquet", pipeline=pipeline, on=engine)
    found = parquet.read_table(tmp_path / "out.parquet")
    assert found.schema.field("when").type == pa.timestamp("us")
    assert found["x"].to_pylist() == ["1", '"1"']


def test_objects_with_many_keys_are_held_as_json() -> None:
    values: list[dict[str, Any]] = [{f"k{number}": number} for number in range(300)]
    lines = [{"id": number, "x": value, "text": ""} for number, value in enumerate(values)]
    found = read("parquet", write("parquet", lines))
    assert [json.loads(one.others["x"]) for one in found] == values


def test_keys_in_json_are_kept_apart() -> None:
    value = {"\ud800": 1, "\\ud800": "\ud802"} | {"\ud801": 2}
    (found,) = read("parquet", write("parquet", [{"id": 1, "x": value, "text": "iron"}]))
    assert json.loads(found.others["x"]) == value


@pytest.mark.parametrize("hold", [lambda value: [value], lambda value: {"a": value}], ids=["lists", "objects"])
def test_values_that_are_nested_too_deeply_are_held_as_json(hold: Callable[[Any], Any]) -> None:
    for depth in (MAX_DEPTH, MAX_DEPTH + 1, 98):
        deep: Any = 1
        for _ in range(depth):
            deep = hold(deep)
        (found,) = read("parquet", write("parquet", [{"id": 1, "x": deep, "text": "iron"}]))
        after = found.others["x"]
        for _ in range(MAX_DEPTH):
            deep, after = (next(iter(one.values() if isinstance(one, dict) else one)) for one in (deep, after))
        assert after == (1 if depth == MAX_DEPTH else json.dumps(deep))


def test_a_row_group_is_limited_by_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_format, "WRITTEN_BYTES", 1000)
    parts = {"ents": [{"text": "iron", "label": "MATERIAL", "start": 0, "end": 4}] * 20}
    for own in ({"html": "x" * 1000}, parts):
        content = write("parquet", [{"id": number, **own, "text": "iron"} for number in range(5)])
        assert parquet.ParquetFile(io.BytesIO(content)).num_row_groups == 5


OUT_OF_RANGE = [
    pa.array([1, 2**62, None], pa.timestamp("us")),
    pa.array([1, 2**62, None], pa.timestamp("us", "Europe/Berlin")),
    pa.array([1, 2**30, None], pa.date32()),
    pa.array([1, -1, None], pa.int64()).view(pa.time64("us")),
    pa.StructArray.from_arrays([pa.array([1, -(2**31), None], pa.date32())], names=["day"]),
]


@pytest.mark.parametrize("column", OUT_OF_RANGE, ids=lambda column: str(column.type))
def test_dates_outside_of_the_calendar_are_errors_of_their_documents(column: pa.Array) -> None:
    found = read("parquet", as_bytes(pa.table({"text": ["a", "b", "c"], "when": column})))
    assert [one.text for one in found] == ["a", None, "c"]
    assert found[1].number == 2
    assert found[1].error is not None
    assert found[1].error["errorMessage"].startswith("'when': a value of type ")
    assert found[1].error["errorMessage"].endswith(" is out of range")


def test_parquet_of_a_folder_has_one_schema(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = tmp_path / "corpus.jsonl"
    lines: list[dict[str, Any]] = [{"text": "iron", "x": None}, {"text": "a", "x": 1.5, "y": [{"z": 1}]}, {"text": 3}]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    run = partial(
        annotate,
        source,
        tmp_path / "out",
        pipeline=pipeline,
        on=InProcess(pipeline, AnnotateOptions(include=DOC_PARTS)),
        include=DOC_PARTS,
        output_format="parquet",
        shard_bytes=10,
    )
    summary = run()
    assert (summary.shards, summary.counts.errors) == (3, 1)
    files = sorted((tmp_path / "out").glob("*.parquet"))
    assert [path.name for path in files] == [f"corpus.jsonl-0000{number}.parquet" for number in range(3)]
    schemas = [parquet.read_schema(path) for path in files]
    assert schemas[0] == schemas[1] == schemas[2]
    span = "struct<text: string, label: string, start: int64, end: int64>"
    assert str(schemas[0].field("ents").type) == f"list<item: {span}>".replace("item", "element")
    (first,) = parquet.read_table(files[0]).to_pylist()
    assert first["ents"] == [{"text": "iron", "label": "MATERIAL", "start": 0, "end": 4}]
    assert [token["text"] for token in first["tokens"]] == ["iron"]
    again = {path.name: path.read_bytes() for path in files}
    run()
    assert {path.name: path.read_bytes() for path in files} == again


@pytest.mark.parametrize("content", [b"", b'{"text": 3}\n'])
def test_parquet_without_documents_has_the_columns_that_are_requested(
    tmp_path: Path, pipeline: Path, content: bytes
) -> None:
    source = tmp_path / "corpus.jsonl"
    source.write_bytes(content)
    engine = InProcess(pipeline, AnnotateOptions(include=("ents", "cats")))
    annotate(source, tmp_path / "out.parquet", pipeline=pipeline, on=engine, include=("ents", "cats"))
    assert parquet.read_schema(tmp_path / "out.parquet").names == ["id", "text", "ents", "cats"]


def test_parquet_reads_as_the_hub_writes_it(tmp_path: Path) -> None:
    """As ``datasets`` does: dictionary-encoded labels, sequences of structs, its schema in the metadata."""
    content = pa.table(
        {
            "text": pa.array(["iron", "heat"], pa.large_string()),
            "label": pa.array(["pos", "neg"]).dictionary_encode(),
            "answers": pa.array([{"text": ["a"], "start": [1]}, None]),
        }
    ).replace_schema_metadata({"huggingface": '{"info": {"features": {}}}'})
    found = read("parquet", as_bytes(content, row_group_size=1, compression="zstd"))
    assert [one.others for one in found] == [
        {"label": "pos", "answers": {"text": ["a"], "start": [1]}},
        {"label": "neg", "answers": None},
    ]


def test_parquet_that_cannot_be_read() -> None:
    for content in (b"", b"PAR1", as_bytes(pa.table({"text": ["a"]}))[:-9]):
        with pytest.raises(CorpusError, match="file cannot be read as Parquet"):
            read("parquet", content)
    damaged = bytearray(as_bytes(pa.table({"text": ["iron"] * 10})))
    damaged[30:50] = b"\xff" * 20  # for which Arrow raises OSError
    with pytest.raises(CorpusError, match="file cannot be read as Parquet"):
        read("parquet", bytes(damaged))
    content = as_bytes(pa.table({"text": [b"a"], "body": ["a"]}))
    with pytest.raises(CorpusError, match="'text' has the type binary, not string"):
        read("parquet", content)
    twice = pa.Table.from_arrays([pa.array(["a"])] * 3, names=["text", "x", "x"])
    with pytest.raises(CorpusError, match="the column 'x' occurs twice"):
        read("parquet", as_bytes(twice))
    pair = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    nested = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), pair)
    for column in (pair, nested):
        with pytest.raises(CorpusError, match="file: the column 'x' has two fields 'a'"):
            read("parquet", as_bytes(pa.table({"text": ["a"], "x": column})))
    with pytest.raises(CorpusError, match="file: the column 'txt' is missing; columns: 'text', 'body'"):
        read("parquet", content, Columns(text="txt"))
