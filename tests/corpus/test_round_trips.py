"""Annotated documents out and in again, in each format that holds them."""

from __future__ import annotations

import base64
import csv
import datetime
import decimal
import gzip
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from spacy.tokens import Doc, DocBin, Span

from spacy_lambda.core.annotation import AnnotateOptions, Document, encode_line
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus import annotate
from spacy_lambda.corpus.files import CorpusFile
from spacy_lambda.corpus.formats import parquet as parquet_format
from spacy_lambda.corpus.formats.arrow_inference import MAX_DEPTH
from spacy_lambda.corpus.formats.documents import escaped
from spacy_lambda.corpus.formats.registry import FORMATS, Columns
from spacy_lambda.corpus.layout import make_layout
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess

COLUMNS = Columns()
NLP = spacy.blank("xx")
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


def write(form: str, lines: Sequence[dict[str, Any]], sources: Sequence[CorpusFile] = ()) -> bytes:
    stream = io.BytesIO()
    parts = [part for part in DOC_PARTS if any(part in line for line in lines)]
    FORMATS[form].open().writer(lambda: iter(lines), sources, COLUMNS, parts)(lambda: iter(lines), stream)
    return stream.getvalue()


def read(form: str, content: bytes, columns: Columns = COLUMNS) -> list[Document]:
    return list(FORMATS[form].open().read(io.BytesIO(content), "file", columns))


def plain(document: Document) -> dict[str, Any]:
    assert document.error is None
    return {"id": document.id, **document.others, "text": document.text}


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


def prediction(doc: Doc) -> dict[str, Any]:
    empty = dict.fromkeys(("lemma", "pos", "tag", "morph", "dep"), "")
    tokens = [
        {"text": token.text, "start": token.idx, "end": token.idx + len(token), **empty, "head": token.i}
        for token in doc
    ]
    return {"ents": [], "sents": [], "tokens": tokens, "cats": {}, "spans": {}}


def big_as_strings(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: big_as_strings(one) for key, one in value.items()}
    if isinstance(value, list):
        return [big_as_strings(one) for one in value]
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 and value != -(2**63) else value


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


def test_json_lines_have_null_for_numbers_that_json_does_not_have() -> None:
    line = {"id": 1, "cats": {"a": math.nan, "b": 0.5}, "x": [math.inf, {"y": (-math.inf, "NaN")}]}
    expected = {"id": 1, "cats": {"a": None, "b": 0.5}, "x": [None, {"y": [None, "NaN"]}]}
    assert parse_json(encode_line(line)) == expected


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
    summary = annotate(
        source,
        tmp_path / "out",
        pipeline=pipeline,
        on=InProcess(pipeline, AnnotateOptions(include=DOC_PARTS)),
        include=DOC_PARTS,
        output_format="parquet",
        shard_bytes=10,
    )
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
    annotate(
        source,
        tmp_path / "out",
        pipeline=pipeline,
        on=InProcess(pipeline, AnnotateOptions(include=DOC_PARTS)),
        include=DOC_PARTS,
        output_format="parquet",
        shard_bytes=10,
    )
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


@pytest.mark.parametrize("name", ["out.json", "out.xlsx", "a.b/OUT.JSON", "out.gz", "out.parquet.gz"])
def test_a_file_of_an_unknown_format_is_refused_as_destination(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="has the name of a file of an unknown format") as caught:
        make_layout(str(tmp_path / name))
    assert ".jsonl, .ndjson, .csv, .tsv, .parquet, .pq, .spacy, or a folder with /" in caught.value.remedy
    assert make_layout(f"{tmp_path / name}/").file is None
    (tmp_path / name).mkdir(parents=True)
    assert make_layout(str(tmp_path / name)).file is None


@pytest.mark.parametrize("name", ["out", "out.v2", "out-1.0", "2024.11", "corpus.annotated", ".out", "a.json/out"])
def test_other_names_are_folders(tmp_path: Path, name: str) -> None:
    assert make_layout(str(tmp_path / name)).file is None


def test_gzip_of_a_format_that_is_compressed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="parquet files are compressed in themselves"):
        annotate(tmp_path, tmp_path / "out.jsonl.gz", output_format="parquet")


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


def test_a_docbin_of_spacy() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "M", "pattern": "iron"}])  # type: ignore[attr-defined]
    docs = [nlp("iron  here"), nlp(""), nlp("x")]
    docs[0].cats = {"A": 1.0}
    docs[0].user_data["meta"] = {"page": (1, 2), 3: math.nan}
    docs[0].user_data["id"] = 7
    extensions: Any = docs[0].user_data
    extensions["._.", "source", None, None] = "book"
    extensions["._.", "of_a_span", 0, 4] = "left out"
    found = read("spacy", DocBin(docs=docs, store_user_data=True).to_bytes())
    assert [(one.id, one.text) for one in found] == [(7, "iron  here"), ("file:2", ""), ("file:3", "x")]
    assert found[0].others == {
        "meta": {"page": [1, 2], "3": None},
        "source": "book",
        "ents": [{"text": "iron", "label": "M", "start": 0, "end": 4}],
        "cats": {"A": 1.0},
    }
    assert read("spacy", DocBin().to_bytes()) == []


@pytest.mark.parametrize("content", [b"", b"not one", DocBin(docs=[spacy.blank("en")("a")]).to_bytes()[:-5]])
def test_a_docbin_that_cannot_be_read(content: bytes) -> None:
    with pytest.raises(CorpusError, match="file cannot be read as a DocBin"):
        read("spacy", content)


def test_a_docbin_with_a_name_twice() -> None:
    doc = NLP("iron")
    doc.user_data |= {"source": 1, "ents": "own", "text": "other"}
    attribute: Any = ("._.", "source", None, None)
    doc.user_data[attribute] = 2
    doc.ents = [Span(doc, 0, 1, label="MATERIAL")]
    (found,) = read("spacy", DocBin(store_user_data=True, docs=[doc]).to_bytes())
    ents = [{"text": "iron", "label": "MATERIAL", "start": 0, "end": 4}]
    own = {"source": 1, "_.source": 2, "user_data.ents": "own"}
    assert plain(found) == {"id": "file:1", "text": "iron", "ents": ents, **own}


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


def test_docs_that_spacy_reads(tmp_path: Path, pipeline: Path) -> None:
    source = tmp_path / "corpus.jsonl"
    source.write_bytes(b'{"text": "iron  and heat. Glass.", "id": 3, "meta": {"page": 1}}\n{"text": ""}\n')
    every = AnnotateOptions(include=FORMATS["spacy"].included(["ents"]))
    annotate(source, tmp_path / "out", pipeline=pipeline, on=InProcess(pipeline, every), output_format="spacy")
    nlp = spacy.load(pipeline)
    docs = list(DocBin().from_disk(tmp_path / "out" / "corpus.jsonl-00000.spacy").get_docs(nlp.vocab))
    assert [doc.text for doc in docs] == ["iron  and heat. Glass.", ""]
    assert docs[0].user_data == {"id": 3, "meta": {"page": 1}}
    expected = nlp(docs[0].text)
    assert [(ent.text, ent.label_) for ent in docs[0].ents] == [(ent.text, ent.label_) for ent in expected.ents]
    assert [sent.text for sent in docs[0].sents] == [sent.text for sent in expected.sents]
    assert docs[1].user_data == {"id": "corpus.jsonl:2"}
