"""CSV of spans, and Parquet of Hugging Face's data sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from spacy_lambda.conversion import convert
from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ('id,document,start,end,label,text\n1,"Zinc, hot.",0,4,M,Zinc\n1,"Zinc, hot.",6,9,Q,hot\n', "utf-8"),
        ('id;text;start;end;label\r\n1;"Zinc, hot.";0;4;M\r\n1;"Zinc, hot.";6;9;Q\r\n', "utf-8-sig"),
        (
            "doc_id\tsentence\tstart_offset\tend_offset\tentity_type\n"
            "1\tZinc, hot.\t0.0\t4.0\tM\n1\tZinc, hot.\t6\t9\tQ\n",
            "utf-16",
        ),
        ('sep=;\r\nID;Text;Start;End;Label\r\n1;"Zinc, hot.";0;4;M\r\n1;"Zinc, hot.";6;9;Q\r\n', "utf-8-sig"),
        ('"SEP=,"\nid,full text,start,end,label\n1,"Zinc, hot.",0,4,M\n1,"Zinc, hot.",6,9,Q\n', "utf-8"),
        ("sep=~\nid~text~start~end~label\n1~Zinc, hot.~0~4~M\n1~Zinc, hot.~6~9~Q\n", "utf-8"),
        ('id,"the\nmood",text,start,end,label\n1,,"Zinc, hot.",0,4,M\n1,,"Zinc, hot.",6,9,Q\n', "utf-8"),
    ],
)
def test_csv(tmp_path: Path, content: str, encoding: str) -> None:
    report, (doc,) = converted(write_files(tmp_path, {"spans.csv": content.encode(encoding)}) / "spans.csv", lang="en")
    assert (report.format, ents(doc)) == ("csv", [("Zinc", "M"), ("hot", "Q")])
    assert doc.user_data["id"] == "1"


def test_rows_without_a_span_and_texts_over_several_lines(tmp_path: Path) -> None:
    content = 'id,document,start,end,label\n1,"Zinc\nmelts",5,10,P\n2,Nothing,,,\n'
    report, docs = converted(write_files(tmp_path, {"spans.csv": content}) / "spans.csv")
    assert [(doc.text, ents(doc)) for doc in docs] == [("Zinc\nmelts", [("melts", "P")]), ("Nothing", [])]
    assert report.kept == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,start,end,label\n1,0,4,M\n", r"spans.csv:1: no column has the documents' texts"),
        ("document,start,end,label\nZinc,0,4,M\nTin,a,3,M\n", r"spans.csv:3: 'a' and '3' are not the offsets"),
        ("document,start,end,label\nZinc,0,4\n", r"spans.csv:2: the row has 3 cells; the header has 4"),
        ('document,start,end,label\n"Zinc,0,4,M\nTin,0,3,M\n', r"spans.csv:2: the row cannot be read"),
        ('sep=;\ndocument;start;end;label\n"Zinc\nhot";0;4;M\nTin;a;3;M\n', r"spans.csv:5: 'a' and '3' are not the"),
        ("sep=;\nid;start;end;label\n1;0;4;M\n", r"spans.csv:2: no column has the documents' texts"),
    ],
)
def test_invalid_tables_are_named_with_the_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        converted(write_files(tmp_path, {"spans.csv": content}) / "spans.csv")


@pytest.mark.parametrize("null", ["", "nan", "NaN", "None", "<NA>", "NULL"])
def test_null_cells_of_csv_are_no_text(tmp_path: Path, null: str) -> None:
    rows = (f"{null},Zinc,0.0,4.0,M,{null},{null}", f"b,Tin,{null},{null},{null},,", f"c,{null},,,,,")
    content = "\n".join(("id,document,start,end,label,group,text", *rows, ""))
    report, docs = converted(write_files(tmp_path, {"spans.csv": content}) / "spans.csv")
    assert [(doc.user_data["id"], doc.text, ents(doc)) for doc in docs] == [
        ("spans-1", "Zinc", [("Zinc", "M")]),
        ("b", "Tin", []),
    ]
    assert dict(report.left_out) == {"no text": 1}
    assert not any("group" in doc.user_data for doc in docs)


@pytest.mark.parametrize("cell", ["3.7", "inf", "1e400", "nan", "four", "1.000", "1e0", "1_0", "", "4.", "9" * 5000])
def test_offsets_are_whole_numbers(tmp_path: Path, cell: str) -> None:
    content = f"document,start,end,label\nZinc,0,{cell},M\n"
    with pytest.raises(CorpusError, match=r":2: '0' and .* are not the offsets"):
        converted(write_files(tmp_path, {"spans.csv": content}) / "spans.csv")


@pytest.mark.parametrize("cell", ["4", "4.0", "4,0", "+4", " 4 "])
def test_whole_numbers_of_tables(tmp_path: Path, cell: str) -> None:
    content = f"document;start;end;label\nZinc;0;{cell};M\n"
    _, (doc,) = converted(write_files(tmp_path, {"spans.csv": content}) / "spans.csv")
    assert ents(doc) == [("Zinc", "M")]


def test_a_column_of_covered_texts_is_not_taken_for_the_documents(tmp_path: Path) -> None:
    content = "id,text,start,end,label\n1,Zinc,0,4,M\n1,hot,6,9,Q\n2, gr\u00fcn ,30,34,Q\n"
    path = write_files(tmp_path, {"spans.csv": content}) / "spans.csv"
    with pytest.raises(CorpusError, match=r"spans.csv:3: the text 'hot' is that of the span 6-9") as caught:
        converted(path)
    assert "document" in caught.value.remedy
    whole = "id,text,start,end,label\n1,Zinc,0,4,M\n2,hot,0,3,Q\n"
    report, _ = converted(write_files(tmp_path, {"spans.csv": whole}) / "spans.csv")
    assert (report.documents, report.kept) == (2, 2)


APART = "texts annotated again, with the same entities"


@pytest.mark.parametrize(
    ("rows", "documents", "note"),
    [
        (["1,Zinc,,,", "1,Zinc,,,"], [0, 0], APART),
        (["1,Zinc,0,4,M", "2,Tin,,,", "1,Zinc,0,4,M"], [1, 0, 1], APART),
        ([",Yes.,,,", ",No.,,,", ",Yes.,,,"], [0, 0, 0], APART),
        (["1,Zinc hot,0,4,M", "2,Tin,0,3,M", "1,Zinc hot,5,8,Q"], [2, 1], "rows of one document that are apart"),
        (["1,Zinc hot,0,4,M", "1,Zinc hot,5,8,Q"], [2], None),
    ],
)
def test_documents_with_one_id_and_text(tmp_path: Path, rows: list[str], documents: list[int], note: str) -> None:
    content = "\n".join(["id,document,start,end,label", *rows, ""])
    report, docs = converted(write_files(tmp_path, {"spans.csv": content}) / "spans.csv")
    assert [len(doc.ents) for doc in docs] == documents
    assert dict(report.notes) == ({note: 1} if note else {})


def test_written_documents_with_one_id_stay_apart(tmp_path: Path) -> None:
    line = '{"id": "a", "text": "Zinc.", "spans": [[0, 4, "M"]]}\n'
    source = write_files(tmp_path, {"x.jsonl": line * 2}) / "x.jsonl"
    convert(source, tmp_path / "x.csv", output_format="csv")
    report, docs = converted(tmp_path / "x.csv")
    assert [(doc.user_data["id"], ents(doc)) for doc in docs] == [("a", [("Zinc", "M")]), ("a-2", [("Zinc", "M")])]
    assert report.dropped == {}


NAMES = ["O", "B-MAT", "I-MAT"]


def hub_file(folder: Path, feature: Any, tags: Any = ([1, 2, 0], [1])) -> Path:
    table = pa.table({"id": ["0", "1"], "tokens": [["Zinc", "oxide", "melts"], ["Tin"]], "ner_tags": list(tags)})
    metadata = {} if feature is None else {"huggingface": json.dumps({"info": {"features": {"ner_tags": feature}}})}
    path = folder / "train-00000-of-00001.parquet"
    parquet.write_table(table.replace_schema_metadata(metadata), path)
    return path


@pytest.mark.parametrize(
    "feature",
    [
        {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"},
        {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "List"},
        [{"names": NAMES, "_type": "ClassLabel"}],
        {"feature": {"class_label": {"names": {"0": "O", "1": "B-MAT", "2": "I-MAT"}}}},
        {"feature": {"names": ["O", "MAT", "MAT"], "_type": "ClassLabel"}, "_type": "Sequence"},
    ],
)
def test_parquet_of_the_hub(tmp_path: Path, feature: Any) -> None:
    report, docs = converted(hub_file(tmp_path, feature))
    assert [ents(doc) for doc in docs] == [[("Zinc oxide", "MAT")], [("Tin", "MAT")]]
    assert report.format == "parquet"


def test_names_of_tags(tmp_path: Path) -> None:
    path = hub_file(tmp_path, None)
    with pytest.raises(CorpusError, match=r":1: the file has no name for the tag 1") as caught:
        converted(path)
    assert "--tag-names" in caught.value.remedy
    _, docs = converted(path, tag_names=tuple(NAMES))
    assert ents(docs[0]) == [("Zinc oxide", "MAT")]
    with pytest.raises(CorpusError, match=r":1: the tag 2 is not one of 2 names"):
        converted(path, tag_names=("O", "B-MAT"))
    _, docs = converted(hub_file(tmp_path, None, (["B-MAT", "I-MAT", "O"], ["B-MAT"])))
    assert ents(docs[1]) == [("Tin", "MAT")]
    with pytest.raises(CorpusError, match=r":2: the row has 1 tokens and 2 tags"):
        converted(hub_file(tmp_path, None, ([0, 0, 0], [0, 0])), tag_names=tuple(NAMES))


@pytest.mark.parametrize(
    ("names", "label"), [(("O", "B", "I"), "ENTITY"), (("O", "M-B", "M-I"), "M"), (("O", "b-m", "i-m"), "m")]
)
def test_names_of_tags_in_other_notations(tmp_path: Path, names: tuple[str, ...], label: str) -> None:
    report, docs = converted(hub_file(tmp_path, None), tag_names=names)
    assert [ents(doc) for doc in docs] == [[("Zinc oxide", label)], [("Tin", label)]]
    assert len(report.notes) == 1


def tagged(folder: Path, tokens: Any, tags: Any, **columns: Any) -> Path:
    path = folder / "x.parquet"
    parquet.write_table(pa.table({"tokens": tokens, "ner_tags": tags, **columns}), path)
    return path


def test_null_tokens_are_no_text(tmp_path: Path) -> None:
    tags = [["B-MAT", "O", "O"], ["O"], [], None]
    path = tagged(tmp_path, [["Zinc", None, "melts"], [" "], [], None], tags, id=[1.0, None, 3.0, 4.0])
    report, (doc,) = converted(path)
    assert (doc.text, ents(doc), doc.user_data["id"]) == ("Zinc melts", [("Zinc", "MAT")], "1")
    assert dict(report.notes) == {"rows without tokens, left out": 2, "tokens without characters, left out": 2}
    assert dict(report.left_out) == {"no text": 1}


@pytest.mark.parametrize(
    ("tokens", "tags", "message"),
    [
        ([["Zinc", None]], [["O", "B-MAT"]], r":1: token 1 has the tag B-MAT and no characters: None"),
        ([["Zinc", "hot"]], [["O", None]], r":1: a token has no tag: None"),
        ([[b"Zinc"]], [["O"]], r":1: token 0 is not a string: b'Zinc'"),
        (["Zinc"], ["OOOO"], r":1: 'tokens' is not a list: 'Zinc'"),
    ],
)
def test_values_that_are_not_tokens_are_named(tmp_path: Path, tokens: Any, tags: Any, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        converted(tagged(tmp_path, tokens, tags))


def test_tags_of_parquet_may_be_whole_floats(tmp_path: Path) -> None:
    _, (doc,) = converted(tagged(tmp_path, [["Zinc", "melts"]], [[1.0, 0.0]]), tag_names=tuple(NAMES))
    assert ents(doc) == [("Zinc", "MAT")]


def test_parquet_of_texts_and_spans(tmp_path: Path) -> None:
    spans = [[{"start": 0, "end": 4, "label": "MAT"}]]
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"text": ["Zinc melts."], "entities": spans}), path)
    _, (doc,) = converted(path)
    assert ents(doc) == [("Zinc", "MAT")]


def test_the_column_of_tags_or_spans_is_chosen(tmp_path: Path) -> None:
    spans = [[{"start": 5, "end": 10, "label": "ACT"}]]
    lists = {"tokens": [["Zinc", "melts"]], "ner_tags": [["B-MAT", "O"]], "fine": [["B-ZINC", "O"]]}
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"text": ["Zinc melts"], "entities": spans, **lists}), path)
    chosen = {name: ents(converted(path, spans_from=name)[1][0]) for name in ("ner_tags", "fine", "entities")}
    assert chosen == {"ner_tags": [("Zinc", "MAT")], "fine": [("Zinc", "ZINC")], "entities": [("melts", "ACT")]}
    with pytest.raises(CorpusError, match=r"no place of spans 'coarse'; it has .*ner_tags"):
        converted(path, spans_from="coarse")


def test_a_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read as Parquet"):
        converted(write_files(tmp_path, {"x.parquet": b"PAR1 and no more"}) / "x.parquet")


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    rows = "id,document,start,end,label,text,mood,Unnamed: 0\n1,Zinc melts.,0,4,M,Zinc,calm,0\n"
    report, _ = converted(write_files(tmp_path, {"x.csv": rows}) / "x.csv")
    assert report.examples["columns of tables, not converted"][0].detail == "mood"
    columns = {"tokens": [["Zinc"]], "ner_tags": [["B-M"]], "pos_tags": [[1]], "chunk_tags": [[2]]}
    parquet.write_table(pa.table(columns), tmp_path / "y.parquet")
    report, _ = converted(tmp_path / "y.parquet")
    assert report.examples["columns of tables, not converted"][0].detail == "pos_tags, chunk_tags"
