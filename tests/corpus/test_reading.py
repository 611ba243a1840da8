"""Files of other tools in: every document with its line, or an error that names file and line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin, Span

from spacy_lambda.core.annotation import Document
from spacy_lambda.corpus.files import find_files
from spacy_lambda.corpus.formats import delimited_rows, numbered_lines
from spacy_lambda.corpus.formats.registry import FORMATS, Columns
from spacy_lambda.errors import CorpusError

CHARACTERS = st.characters(exclude_categories=["Cs"])


def read(path: Path, content: bytes, columns: Columns | None = None, form: str | None = None) -> list[Document]:
    path.write_bytes(content)
    return documents([path], columns, form)


def documents(paths: Sequence[Path], columns: Columns | None = None, form: str | None = None) -> list[Document]:
    files = find_files([str(path) for path in paths], format_name=form)
    return [document for file in files for document in file.documents(columns or Columns())]


def read_bytes(form: str, content: bytes, columns: Columns | None = None) -> list[Document]:
    return list(FORMATS[form].open().read(io.BytesIO(content), "c", columns or Columns()))


def errors(found: Sequence[Document]) -> dict[int, str]:
    return {document.number: document.error["errorMessage"] for document in found if document.error is not None}


def test_a_line_of_prodigy(tmp_path: Path) -> None:
    line = {
        "text": "iron",
        "_input_hash": -1290113,
        "meta": {"source": "x", "page": 3},
        "tokens": [{"text": "iron", "start": 0, "end": 4, "id": 0, "ws": False}],
        "spans": [{"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "MATERIAL"}],
        "answer": "accept",
    }
    (found,) = read(tmp_path / "annotations.jsonl", json.dumps(line).encode() + b"\n")
    assert found.id == "annotations.jsonl:1"
    assert {"text": found.text, **found.others} == line


def test_json_lines_of_other_systems(tmp_path: Path) -> None:
    content = (
        b'\xef\xbb\xbf{"text": "a", "id": 1}\r\n\r\n{"text": "b", "score": NaN, "high": -Infinity, "big": 1e999}\r\n'
        b'{"text": "c", "text": "d"}\n{"text": "\xe4"}\n{"text": "e"}'
    )
    found = read(tmp_path / "c.jsonl", content)
    assert [(one.id, one.text, one.number) for one in found] == [
        (1, "a", 1),
        ("c.jsonl:3", "b", 3),
        ("c.jsonl:4", None, 4),
        ("c.jsonl:5", None, 5),
        ("c.jsonl:6", "e", 6),
    ]
    assert found[1].others == {"score": None, "high": None, "big": None}
    assert "'text' occurs twice" in errors(found)[4]
    assert errors(found)[5] == "byte 11 of the line is not UTF-8"


def test_a_line_that_is_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbered_lines, "MAX_BYTES", 40)
    monkeypatch.setattr(numbered_lines, "CHUNK_BYTES", 7)
    lines = [b'{"text": "a"}', b'{"text": "' + b"x" * 27 + b'"}', b'{"text": "' + b"x" * 98 + b'"}', b'{"text": "b"}']
    found = read_bytes("jsonl", b"\n".join(lines))
    assert [(one.text, one.number) for one in found] == [("a", 1), ("x" * 27, 2), (None, 3), ("b", 4)]
    assert errors(found) == {3: "the line has more than 40 bytes, the limit"}
    assert errors(read_bytes("jsonl", lines[2])) == {1: "the line has more than 40 bytes, the limit"}


@pytest.mark.slow
def test_a_line_of_50_mb(tmp_path: Path) -> None:
    (found,) = read(tmp_path / "c.jsonl", b'{"text": "' + b"x" * 50_000_000 + b'"}\n')
    assert (len(found.text), found.error) == (50_000_000, None)


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv", "lines"])
def test_an_empty_file_has_no_documents(form: str) -> None:
    assert read_bytes(form, b"") == read_bytes(form, b"\n\n") == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("form", ["jsonl", "csv", "lines"])
def test_utf_16_is_refused(form: str, encoding: str) -> None:
    with pytest.raises(CorpusError, match="c:1: the file is UTF-16") as caught:
        read_bytes(form, '{"text": "ä"}\n'.encode(encoding))
    assert "iconv" in caught.value.remedy


@pytest.mark.parametrize("form", ["jsonl", "csv", "lines"])
def test_lines_of_old_macs_are_refused(form: str) -> None:
    for content in (b"text,id\ra,1\rb,2", b"text,id\ra,1\r"):
        with pytest.raises(CorpusError, match="c: the lines end with a carriage return alone") as caught:
            read_bytes(form, content)
        assert "tr " in caught.value.remedy
    assert len(read_bytes("lines", b"text\r")) == 1


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (gzip.compress(b"text\na\n", mtime=0), "gzip"),
        (b"PK\x03\x04\x14\0\x06\0", "zip"),
        (b"PAR1\x15\x04\x15", "Parquet"),
    ],
    ids=["gzip", "zip", "parquet"],
)
def test_files_of_other_kinds_are_refused(start: bytes, kind: str) -> None:
    for form in ("jsonl", "csv", "lines"):
        with pytest.raises(CorpusError, match=f"c is a {kind} file, not text"):
            read_bytes(form, start)
    (found,) = read_bytes("text", start)
    assert found.error is not None


@pytest.mark.parametrize("content", [b'[{"text": "a"}, {"text": "b"}]', b'\n [\n  {"text": "a"}\n]\n'])
def test_a_json_array_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CorpusError, match="the file is a JSON array, not JSON Lines") as caught:
        read_bytes("jsonl", content)
    assert "jq -c '.[]'" in caught.value.remedy
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(CorpusError, match=r"c\.json: unknown format") as caught:
        documents([tmp_path / "c.json"])
    assert "jq -c '.[]'" in caught.value.remedy


def test_json_over_several_lines_is_refused() -> None:
    with pytest.raises(CorpusError, match="c:1: the file has JSON over several lines") as caught:
        read_bytes("jsonl", json.dumps({"text": "a"}, indent=2).encode())
    assert "jq -c ." in caught.value.remedy


def test_a_number_of_many_digits_is_an_error() -> None:
    (found,) = read_bytes("jsonl", b'{"text": "iron", "n": ' + b"9" * 5000 + b"}\n")
    assert errors([found]) == {1: "the line is not valid JSON: a number has more than 4,300 digits"}


def test_a_comma_after_an_object_is_an_error() -> None:
    found = read_bytes("jsonl", b'{"text": "a"},\n{"text": "b"}\n[]\n{"text": "c')
    assert errors(found) == {
        1: "the line is not valid JSON: Extra data at character 14",
        3: "the line is not a JSON object",
        4: "the line is not valid JSON: Unterminated string starting at character 10",
    }
    assert found[0].error is not None
    assert found[0].error["remedy"] == "remove the comma at its end"


def test_gzip_of_several_members(tmp_path: Path) -> None:
    content = b"".join(gzip.compress(f'{{"text": "{text}"}}\n'.encode()) for text in "abc")
    assert [one.text for one in read(tmp_path / "c.jsonl.gz", content)] == ["a", "b", "c"]


@pytest.mark.parametrize("cut", [5, 25, -12, -1])
def test_a_gzip_file_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    content = gzip.compress(b'{"text": "iron"}\n' * 1000)
    assert len(read(tmp_path / "a.jsonl.gz", content)) == 1000
    with pytest.raises(CorpusError, match=r"a\.jsonl\.gz is not a whole gzip file"):
        read(tmp_path / "a.jsonl.gz", content[:cut])
    with pytest.raises(CorpusError, match=r"a\.jsonl\.gz is not a whole gzip file"):
        read(tmp_path / "a.jsonl.gz", b'{"text": "iron"}\n')


def test_a_table_with_quotes_newlines_and_a_byte_order_mark(tmp_path: Path) -> None:
    content = (
        '\ufeff"text",id,note,\r\n"He said ""iron"", twice\r\nin two lines",7,x,0\r\n'
        "\r\niron,8,ä\r\nglass,9,,,5\r\nheat,10,,1"
    )
    found = read(tmp_path / "c.csv", content.encode())
    assert [(one.id, one.text, one.number) for one in found] == [
        ("7", 'He said "iron", twice\r\nin two lines', 2),
        ("c.csv:5", None, 5),
        ("c.csv:6", None, 6),
        ("10", "heat", 7),
    ]
    assert found[0].others == {"note": "x", "Unnamed: 3": "0"}
    assert errors(found) == {5: "the row has 3 cells; the header has 4", 6: "the row has 5 cells; the header has 4"}


def test_names_of_columns_are_those_of_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    header = "text,a,,a,a.1,a,"
    (found,) = read(tmp_path / "c.csv", f"{header}\n{header}\n".encode())
    assert ["text", *found.others] == list(pandas.read_csv(tmp_path / "c.csv").columns)


def test_a_column_that_is_missing_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"c\.csv:1: the column 'text' is missing; columns: 'id', 'body'") as caught:
        read(tmp_path / "c.csv", b"id;body\n1;iron\n")
    assert "--text-column" in caught.value.remedy
    with pytest.raises(CorpusError, match=r"c\.tsv:1: the column 'doi' is missing; columns: 'id', 'text'"):
        read(tmp_path / "c.tsv", b"id\ttext\n1\tiron\n", Columns(id="doi", explicit_id=True))
    many = ",".join(f"c{number}" for number in range(1000))
    with pytest.raises(CorpusError, match="'c19', and 980 more"):
        read(tmp_path / "c.csv", f"{many}\n".encode())


def test_a_cell_may_be_long() -> None:
    limit = csv.field_size_limit(1000)
    try:
        (found,) = read_bytes("csv", b"text\n" + b"x" * 1_000_000 + b"\n")
    finally:
        csv.field_size_limit(limit)
    assert len(found.text) == 1_000_000


def test_bad_rows_do_not_end_a_table() -> None:
    found = read_bytes("csv", b'text,id\n"a"b,1\nc,2\n\xe4\xf6,3\nd,4\na\rb,5\ne,6\n')
    assert [one.text for one in found] == [None, "c", None, "d", None, "e"]
    assert errors(found) == {
        2: "the row cannot be read: ',' expected after '\"'",
        4: "byte 0xe4 in ''... is not UTF-8",
        6: "the row cannot be read: a carriage return that is not in quotes",
    }
    assert "iconv" in str(found[2].error)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'text,id\nok,1\n"open,2\nc,3\nd,4\n', "c:3: the quote that opens a cell is never closed"),
        (b'id,text\n1,"two\nlines"\n2,"a\nb","open\nc\n', "c:5: the quote that opens a cell is never closed"),
        (b'text,id\n"open,1\nb,2\n\nc,"quoted"\n', "c:2: .* not closed: the next one, in line 5, is not at the end"),
        (b'text,id\n"He said "iron" twice\nand left",1\n', "c:2: .* not closed: the next one, in line 2, is not at"),
        (b'"text,id\na,1\nb,2\n', "c:1: the quote that opens a cell is never closed"),
    ],
)
def test_a_quote_that_is_not_closed_is_named(content: bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        read_bytes("csv", content)
    assert "--from tsv-unquoted" in caught.value.remedy


def test_quotes_may_be_part_of_the_texts() -> None:
    found = read_bytes("tsv-unquoted", b'text\tid\n"Iron" is a metal\t1\n"open\t2\nx\r\t3\n5" pipe\t4\n')
    assert [one.text for one in found] == ['"Iron" is a metal', '"open', None, '5" pipe']
    (found_one,) = read_bytes("tsv-unquoted", b'text,id\n"a,7\n')
    assert (found_one.id, found_one.text) == ("7", '"a')


@pytest.mark.parametrize(("form", "delimiter"), [("csv", ";"), ("csv", "\t"), ("csv", "|"), ("tsv", ","), ("tsv", ";")])
def test_the_delimiter_is_that_of_the_header(form: str, delimiter: str) -> None:
    content = 'id;"a\n,b";text;\n\n7;x;"iron; oxide, glass";0\n'.replace(";", delimiter)
    (found,) = read_bytes(form, content.encode())
    assert (found.id, found.number) == ("7", 4)
    assert found.text == "iron; oxide, glass".replace(";", delimiter)
    columns = Columns(text="t", id="doi", explicit_id=True)
    with pytest.raises(CorpusError, match=r"c:1: the column 't' is missing; columns: 'id', .*'text'"):
        read_bytes(form, content.encode(), columns)


def test_the_formats_own_delimiter_comes_first() -> None:
    (found,) = read_bytes("csv", b"text,a;b\nx;y,z\n")
    assert (found.text, found.others) == ("x;y", {"a;b": "z"})


def test_a_column_of_texts_that_occurs_twice_is_refused() -> None:
    with pytest.raises(CorpusError, match="c:1: the column 'text' occurs twice"):
        read_bytes("csv", b"text,id,text\na,1,b\n")
    with pytest.raises(CorpusError, match="c:1: the column 'id' occurs twice"):
        read_bytes("csv", b"text,id,id\na,1,2\n", Columns(explicit_id=True))


def test_a_quote_that_is_never_closed_ends_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited_rows, "MAX_BYTES", 1000)
    limit = csv.field_size_limit(1000)
    try:
        with pytest.raises(CorpusError, match="c:3: a cell of this row has more than 1,000 characters"):
            read_bytes("csv", b'text\nok\n"open\n' + b"iron\n" * 1000)
    finally:
        csv.field_size_limit(limit)


def test_another_column_for_texts_and_identifiers() -> None:
    columns = Columns(text="body", id="doi", explicit_id=True)
    (found,) = read_bytes("tsv", b"body\tdoi\ttext\niron\t10.1/x\t3\n", columns)
    assert (found.id, found.text, found.others) == ("10.1/x", "iron", {"text": "3"})
    found_lines = read_bytes("jsonl", b'{"body": "a", "doi": 1}\n{"body": "b"}\n{"body": "c", "doi": null}\n', columns)
    assert errors(found_lines) == {
        2: "the key 'doi' is missing; keys: 'body'",
        3: "'doi' must be a string or an integer, not None",
    }


def test_text_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, content in {
        "b.txt": b"\xef\xbb\xbfiron\r\nand glass\n",
        "sub/a.txt": b"",
        "c.txt": b"iron\nfer chaud \xe0 blanc",
        "d.txt": "iron".encode("utf-16"),
    }.items():
        (tmp_path / name).write_bytes(content)
    found = documents([tmp_path])
    assert [(one.id, one.text) for one in found] == [
        ("b.txt", "iron\r\nand glass\n"),
        ("c.txt:1", None),
        ("d.txt:1", None),
        ("sub/a.txt", ""),
    ]
    assert [one.error["errorMessage"] for one in found if one.error] == [
        "byte 16, in line 2, is not UTF-8",
        "d.txt:1: the file is UTF-16 or UTF-32, or binary, not UTF-8",
    ]
    (whole,) = read(tmp_path / "b.txt", b"iron\n")
    assert whole.others == {}


def test_a_line_a_document(tmp_path: Path) -> None:
    found = read(tmp_path / "c.txt", b'\xef\xbb\xbfiron "x"\r\n\n \n\xe4\nglass', form="lines")
    assert [(one.id, one.text) for one in found] == [("c.txt:1", 'iron "x"'), ("c.txt:4", None), ("c.txt:5", "glass")]


def test_text_files_that_do_not_follow_each_other_share_shards(tmp_path: Path) -> None:
    from spacy_lambda.corpus.shards import cut_shards

    for name in ("a.txt", "b.jsonl", "c.txt", "sub/d.txt", "z.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'{"text": "x"}')
    shards = list(cut_shards(find_files([str(tmp_path)]), Columns()))
    assert [(shard.name, shard.documents) for shard in shards] == [
        ("text-00000", 3),
        ("b.jsonl-00000", 1),
        ("sub/text-00000", 1),
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(CHARACTERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.fixed_dictionaries({"text": st.text(CHARACTERS)}, optional={"id": st.text(), "x": VALUES})))
def test_json_lines_hold_any_document(values: list[dict[str, Any]]) -> None:
    content = "".join(json.dumps(value) + "\n" for value in values).encode()
    found = read_bytes("jsonl", content)
    own = [{"text": one.text, **one.others, **({"id": one.id} if one.id != f"c:{one.number}" else {})} for one in found]
    assert own == values


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["csv", "tsv"]),
    st.sampled_from(["\r\n", "\n"]),
    st.lists(st.tuples(st.text(CHARACTERS), st.text(CHARACTERS), st.text(CHARACTERS))),
)
def test_tables_hold_any_document(form: str, end: str, rows: list[tuple[str, str, str]]) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(
        file, delimiter="," if form == "csv" else "\t", lineterminator=end, quoting=csv.QUOTE_ALL, strict=True
    )
    writer.writerow(["id", "text", "x"])
    writer.writerows(rows)
    found = read_bytes(form, file.getvalue().encode())
    assert [(one.id, one.text, one.others["x"]) for one in found] == rows


def test_a_file_without_permission_is_refused_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n')
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(CorpusError, match=r"a\.jsonl: Permission denied"):
        documents([tmp_path])


@pytest.mark.parametrize("options", [{}, {"attrs": ["ORTH"]}, {"store_user_data": True}])
def test_a_docbin_of_another_vocabulary(options: dict[str, Any]) -> None:
    doc = spacy.blank("de")("Eisen und Glas")
    doc.user_data["source"] = "book"
    doc.ents = [Span(doc, 0, 1, "METALL")]
    (found,) = read_bytes("spacy", DocBin(docs=[doc], **options).to_bytes())
    assert found.text == "Eisen und Glas"
    assert found.others.get("source") == ("book" if "store_user_data" in options else None)
    assert ("ents" in found.others) == ("attrs" not in options)


def test_identifiers_are_kept_as_they_are() -> None:
    content = b"".join(b'{"text": "", "id": %s}\n' % value for value in (b"1", b'"1"', b"1", b"null", b"1.5", b'""'))
    found = read_bytes("jsonl", content)
    assert [one.id for one in found] == [1, "1", 1, "c:4", "c:5", ""]
    assert [dict(one.others) for one in found] == [{}, {}, {}, {}, {"id": 1.5}, {}]


def test_a_folder_of_mixed_files_with_odd_names(tmp_path: Path) -> None:
    for name in ("a.jsonl", "sub/a.jsonl", "with space [1]*.csv", "notes.json", "README.md", "sub/b.JSONL.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        content = b"text\niron\n" if ".csv" in name else b'{"text": "a"}\n'
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    names = ["a.jsonl", "sub/a.jsonl", "sub/b.JSONL.gz", "with space [1]*.csv"]
    assert [one.file for one in documents([tmp_path])] == names
    assert [one.text for one in documents([tmp_path / names[-1]])] == ["iron"]
    with pytest.raises(CorpusError, match=r"README\.md: unknown format"):
        documents([tmp_path / "README.md"])
