"""Tables in: header, delimiter and quotes; every row with its line, or an error."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_lambda.corpus.formats import delimited_rows
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.errors import CorpusError
from tests.corpus.formats import CHARACTERS, errors, read, read_file


def test_a_table_with_quotes_newlines_and_a_byte_order_mark(tmp_path: Path) -> None:
    content = (
        '\ufeff"text",id,note,\r\n"He said ""iron"", twice\r\nin two lines",7,x,0\r\n'
        "\r\niron,8,ä\r\nglass,9,,,5\r\nheat,10,,1"
    )
    found = read_file(tmp_path / "c.csv", content.encode())
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
    (found,) = read_file(tmp_path / "c.csv", f"{header}\n{header}\n".encode())
    assert ["text", *found.others] == list(pandas.read_csv(tmp_path / "c.csv").columns)


def test_a_column_that_is_missing_is_an_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"c\.csv:1: the column 'text' is missing; columns: 'id', 'body'") as caught:
        read_file(tmp_path / "c.csv", b"id;body\n1;iron\n")
    assert "--text-column" in caught.value.remedy
    with pytest.raises(CorpusError, match=r"c\.tsv:1: the column 'doi' is missing; columns: 'id', 'text'"):
        read_file(tmp_path / "c.tsv", b"id\ttext\n1\tiron\n", Columns(id="doi", explicit_id=True))
    many = ",".join(f"c{number}" for number in range(1000))
    with pytest.raises(CorpusError, match="'c19', and 980 more"):
        read_file(tmp_path / "c.csv", f"{many}\n".encode())


def test_a_cell_may_be_long() -> None:
    limit = csv.field_size_limit(1000)
    try:
        (found,) = read("csv", b"text\n" + b"x" * 1_000_000 + b"\n")
    finally:
        csv.field_size_limit(limit)
    assert len(found.text) == 1_000_000


def test_bad_rows_do_not_end_a_table() -> None:
    found = read("csv", b'text,id\n"a"b,1\nc,2\n\xe4\xf6,3\nd,4\na\rb,5\ne,6\n')
    assert [one.text for one in found] == [None, "c", None, "d", None, "e"]
    assert errors(found) == {
        2: "the row cannot be read: ',' expected after '\"'",
        4: "byte 0xe4 at character 1 of the column 'text' is not UTF-8",
        6: "the row cannot be read: a carriage return that is not in quotes",
    }
    assert "iconv" in str(found[2].error)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'text,id\nok,1\n"open,2\nc,3\nd,4\n', "file:3: the quote that opens a cell is never closed"),
        (b'id,text\n1,"two\nlines"\n2,"a\nb","open\nc\n', "file:5: the quote that opens a cell is never closed"),
        (b'text,id\n"open,1\nb,2\n\nc,"quoted"\n', "file:2: .* not closed: the next one, in line 5, is not at the end"),
        (b'text,id\n"He said "iron" twice\nand left",1\n', "file:2: .* not closed: the next one, in line 2, is not at"),
        (b'"text,id\na,1\nb,2\n', "file:1: the quote that opens a cell is never closed"),
    ],
)
def test_a_quote_that_is_not_closed_is_named(content: bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        read("csv", content)
    assert "--from tsv-unquoted" in caught.value.remedy


def test_quotes_may_be_part_of_the_texts() -> None:
    found = read("tsv-unquoted", b'text\tid\n"Iron" is a metal\t1\n"open\t2\nx\r\t3\n5" pipe\t4\n')
    assert [one.text for one in found] == ['"Iron" is a metal', '"open', None, '5" pipe']
    (found_one,) = read("tsv-unquoted", b'text,id\n"a,7\n')
    assert (found_one.id, found_one.text) == ("7", '"a')


@pytest.mark.parametrize(("form", "delimiter"), [("csv", ";"), ("csv", "\t"), ("csv", "|"), ("tsv", ","), ("tsv", ";")])
def test_the_delimiter_is_that_of_the_header(form: str, delimiter: str) -> None:
    content = 'id;"a\n,b";text;\n\n7;x;"iron; oxide, glass";0\n'.replace(";", delimiter)
    (found,) = read(form, content.encode())
    assert (found.id, found.number) == ("7", 4)
    assert found.text == "iron; oxide, glass".replace(";", delimiter)
    columns = Columns(text="t", id="doi", explicit_id=True)
    with pytest.raises(CorpusError, match=r"file:1: the column 't' is missing; columns: 'id', .*'text'"):
        read(form, content.encode(), columns)


def test_the_formats_own_delimiter_comes_first() -> None:
    (found,) = read("csv", b"text,a;b\nx;y,z\n")
    assert (found.text, found.others) == ("x;y", {"a;b": "z"})


def test_a_column_of_texts_that_occurs_twice_is_refused() -> None:
    with pytest.raises(CorpusError, match="file:1: the column 'text' occurs twice"):
        read("csv", b"text,id,text\na,1,b\n")
    with pytest.raises(CorpusError, match="file:1: the column 'id' occurs twice"):
        read("csv", b"text,id,id\na,1,2\n", Columns(explicit_id=True))


def test_a_quote_that_is_never_closed_ends_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited_rows, "MAX_BYTES", 1000)
    limit = csv.field_size_limit(1000)
    try:
        with pytest.raises(CorpusError, match="file:3: a cell of this row has more than 1,000 characters"):
            read("csv", b'text\nok\n"open\n' + b"iron\n" * 1000)
    finally:
        csv.field_size_limit(limit)


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
    found = read(form, file.getvalue().encode())
    assert [(one.id, one.text, one.others["x"]) for one in found] == rows
