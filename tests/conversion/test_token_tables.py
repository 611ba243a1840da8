"""CSV of tokens, as Kaggle's corpus has them: sentences, documents, other columns, and rows that are not tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.conversion import convert
from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files

FIRST_ROWS = (
    'Sentence #,Word,POS,Tag\r\nSentence: 1,Zürich,NNP,B-geo\r\n,",",",",O\r\n,"""",``,O\r\n'
    "Sentence: 2,Bob,NNP,B-per\r\n"
)
EACH_ROW = 'Sentence#,Word,POS,Tag\n1,Zürich,NNP,B-geo\n1,",",",",O\n1,"""",``,O\n2,Bob,NNP,B-per\n'
OTHERS = "columns of tables, not converted"
EARLIER = "sentences with the name of an earlier one"


def table(folder: Path, content: str | bytes, name: str = "ner.csv") -> Path:
    return write_files(folder, {name: content}) / name


@pytest.mark.parametrize("content", [FIRST_ROWS, EACH_ROW, FIRST_ROWS.replace(",", ";")])
def test_kaggles_corpus(tmp_path: Path, content: str) -> None:
    report, docs = converted(table(tmp_path, content.encode("latin-1")))
    assert [(doc.text.replace(";", ","), ents(doc)) for doc in docs] == [
        ('Zürich , "', [("Zürich", "geo")]),
        ("Bob", [("Bob", "per")]),
    ]
    assert (report.format, report.entities, report.kept) == ("csv-tokens", 2, 2)
    assert dict(report.notes) == {OTHERS: 1, "files not UTF-8; read as cp1252, the Windows encoding": 1}
    assert report.examples[OTHERS][0].detail == "POS"


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        (["1,a,O", "1,b,B-M", "2,c,O"], ["a b", "c"]),
        (["1,a,O", ",b,B-M", "1,c,O"], ["a b", "c"]),  # a name below empty cells begins a sentence
        (["1.0,a,O", ",b,B-M", "2.0,c,O"], ["a b", "c"]),
        (["1,a,O", "1,b,B-M", "", "1,c,O"], ["a b", "c"]),
        (["1,,", ",a,O", ",b,B-M", "2,,", ",c,O"], ["a b", "c"]),  # rows that only name sentences
        ([",a,O", ",b,B-M", ",,", ",c,O"], ["a b", "c"]),
        ([",a,O", ",b,B-M"], ["a b"]),
    ],
)
def test_sentences(tmp_path: Path, rows: list[str], texts: list[str]) -> None:
    _, docs = converted(table(tmp_path, "\n".join(["sentence,word,tag", *rows, ""])))
    assert [doc.text for doc in docs] == texts


def test_documents_keep_their_sentences(tmp_path: Path) -> None:
    rows = "doc_id,group,sent_id,token,ner\nd1,g,1,a,O\nd1,g,1,b,B-M\n\nd1,g,2,c,O\nd2,,1,e,O\n"
    report, docs = converted(table(tmp_path, rows))
    assert [(doc.user_data["id"], [sent.text for sent in doc.sents]) for doc in docs[:1]] == [("d1", ["a b", "c"])]
    assert [doc.user_data.get("group") for doc in docs] == ["g", None]
    assert not report.notes


def test_a_sentence_with_the_name_of_an_earlier_one_is_reported(tmp_path: Path) -> None:
    report, docs = converted(table(tmp_path, "sentence,word,tag\n1,a,O\n2,b,B-M\n1,c,O\n"))
    assert ([doc.text for doc in docs], dict(report.notes)) == (["a", "b", "c"], {EARLIER: 1})
    assert report.examples[EARLIER][0].place.endswith("ner.csv:4")


@pytest.mark.parametrize("word", ["None", "nan", "null", "NA"])
def test_words_that_tables_take_for_nulls_are_words(tmp_path: Path, word: str) -> None:
    _, (doc,) = converted(table(tmp_path, f"word,tag\n{word},B-M\nof,O\n"))
    assert ents(doc) == [(word, "M")]


@pytest.mark.parametrize(
    ("tags", "label"), [("B I O B", "ENTITY"), ("M-B M-I O M-B", "M"), ("b-m i-m o b-m", "m"), ("M M O M", "M")]
)
def test_notations(tmp_path: Path, tags: str, label: str) -> None:
    rows = [f"{token},{tag}\n" for token, tag in zip("abcd", tags.split(), strict=True)]
    _, (doc,) = converted(table(tmp_path, "word,tag\n" + "".join(rows)))
    assert ents(doc) == [("a b", label), ("d", label)]


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        ("1\tZinc\tB-M\n\tmelts\tO\n2\tTin\tB-M\n", ["Zinc melts", "Tin"]),
        ('1\t"\tO\n1\tZinc\tB-M\n2\tTin\tB-M\n2\t"\tO\n', ['" Zinc', 'Tin "']),  # quotes are tokens
        ('1\t""""\tO\n1\tZinc\tB-M\n2\tTin\tB-M\n', ['" Zinc', "Tin"]),  # as pandas writes them
    ],
)
def test_tabs(tmp_path: Path, rows: str, texts: list[str]) -> None:
    report, docs = converted(table(tmp_path, "sentence\tword\ttag\n" + rows, "x.tsv"))
    assert ([doc.text for doc in docs], report.format) == (texts, "csv-tokens")
    assert not report.notes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("word,tag\nZinc,B-M\nmelts,\n", r"ner.csv:3: the token 'melts' has no tag"),
        ("word,tag\nZinc,O\n,B-M\n", r"ner.csv:3: token 1 has the tag B-M and no characters"),
        ("word,tag\nZinc,B-M\nmelts,X\n", r"ner.csv:3: 'X' is not a tag"),
        ("word,tag\nZinc,NN\nmelts,VB\n", r"ner.csv:2: 'NN' is not a tag"),
        ('word,tag\n"Zinc\nmelts",B-M\nTin\n', r"ner.csv:4: the row has 1 cells; the header has 2"),
        ('word,tag\nZinc,B-M\n",O\nTin,O\n', r"ner.csv:3: the row cannot be read"),
    ],
)
def test_invalid_rows_are_named_with_the_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        converted(table(tmp_path, content))


def test_a_table_without_rows(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"ner.csv has no annotated documents"):
        converted(table(tmp_path, "word,tag\n"))


def test_a_table_of_something_else_is_named_with_its_columns(tmp_path: Path) -> None:
    for name, problem in (
        ("csv-tokens", "no columns have tokens and tags"),
        ("csv", "the table has no columns of spans"),
    ):
        with pytest.raises(CorpusError, match=rf"ner.csv:1: {problem}; columns: 'text', 'mood'"):
            converted(table(tmp_path, "text,mood\nZinc,calm\n"), input_format=name)


def test_documents_with_one_identifier_stay_apart(tmp_path: Path) -> None:
    line = '{"id": "a", "text": "Zinc.", "spans": [[0, 5, "M"]]}\n'
    source = write_files(tmp_path, {"x.jsonl": line * 2}) / "x.jsonl"
    convert(source, tmp_path / "x.csv", output_format="csv-tokens", lang="xx", options=None)
    _, docs = converted(tmp_path / "x.csv")
    assert [doc.user_data["id"] for doc in docs] == ["a", "a-2"]
