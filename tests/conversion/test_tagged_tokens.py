"""Files of tokens: schemes, columns, sentences and documents, and malformed sequences."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.conversion import convert
from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, write_files

UBIAI = "-DOCSTART- -X- O O\n\nZinc\tB-METAL\nand\tO\nferrous\tB-METAL\niron\tI-METAL\n.\tO\n\nTin\tB-METAL\nmelts\tO\n"
CONLL_2003 = (
    "-DOCSTART- -X- -X- O\n\nZinc NNP B-NP B-MET\nmelts VBZ B-VP O\n\nIron NNP B-NP B-MET\n\n"
    "-DOCSTART- -X- -X- O\n\nTin NNP B-NP B-MET\n"
)


def file_of(folder: Path, content: str | bytes, name: str = "export.tsv") -> Path:
    return write_files(folder, {name: content}) / name


def test_ubiais_export(tmp_path: Path) -> None:
    report, docs = converted(file_of(tmp_path, UBIAI))
    assert [doc.text for doc in docs] == ["Zinc and ferrous iron .", "Tin melts"]
    assert ents(docs[0]) == [("Zinc", "METAL"), ("ferrous iron", "METAL")]
    assert (report.format, report.entities, report.kept) == ("conll", 3, 3)


def test_documents_of_conll_2003_keep_their_sentences(tmp_path: Path) -> None:
    _, docs = converted(file_of(tmp_path, CONLL_2003, "train.txt"))
    assert [[sent.text for sent in doc.sents] for doc in docs] == [["Zinc melts", "Iron"], ["Tin"]]
    _, sentences = converted(file_of(tmp_path, CONLL_2003, "train.txt"), documents="sentence")
    assert len(sentences) == 3
    assert [doc.user_data["group"] for doc in sentences] == ["train-1", "train-1", "train-2"]


@pytest.mark.parametrize(
    "lines",
    [
        "Zinc B-M\nsulfide I-M\nand O\niron B-M",  # BIO
        "Zinc I-M\nsulfide I-M\nand O\niron I-M",  # IOB
        "Zinc B-M\nsulfide L-M\nand O\niron U-M",  # BILUO
        "Zinc B-M\nsulfide E-M\nand O\niron S-M",  # BIOES
        "Zinc B-M\nsulfide E-M\nand O\niron W-M",  # BMEWO
        "Zinc M\nsulfide M\nand O\niron M",  # labels alone
        "B-M\tZinc\nI-M\tsulfide\nO\tand\nB-M\tiron",  # tags first
        "token\tner\nZinc\tB-M\nsulfide\tI-M\nand\tO\niron\tB-M",  # a header
        "Zinc\tNN\tB-M\nsulfide\tNN\tI-M\nand\tCC\tO\niron\tNN\tB-M",  # more columns
        "# id 7\nZinc _ _ B-M\nsulfide _ _ I-M\nand _ _ O\niron _ _ B-M",  # comments
        "1\tZinc\tB-M\n2\tsulfide\tI-M\n3\tand\tO\n4\tiron\tB-M",  # numbers
    ],
)
def test_schemes_and_columns(tmp_path: Path, lines: str) -> None:
    report, (doc,) = converted(file_of(tmp_path, lines + "\n"))
    assert ents(doc) == [("Zinc sulfide", "M"), ("iron", "M")]
    assert not report.notes


@pytest.mark.parametrize(("name", "tags"), [("bio", "B-M I-M I-M O B-M"), ("biluo", "B-M I-M L-M O U-M")])
def test_tags_are_those_of_the_scheme(tmp_path: Path, name: str, tags: str) -> None:
    source = file_of(tmp_path, "Zinc B-M\niron I-M\nsulfide I-M\nand O\ntin B-M\n")
    convert(source, tmp_path / "out.tsv", output_format=name, lang="xx")
    rows = [line.split() for line in (tmp_path / "out.tsv").read_text().splitlines() if line]
    assert [row[-1] for row in rows if row[0] != "-DOCSTART-"] == tags.split()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("#Berlin\tLOC\nlehrt\tO\n", [("#Berlin", "LOC")]),
        ("C\tB-LANG\n#\tI-LANG\n", [("C #", "LANG")]),  # as UBIAI splits C#
        ("#Berlin LOC\nlehrt O\n", [("#Berlin", "LOC")]),
        ("lehrt O\n# B-X\n", [("#", "X")]),
        ("# text = ein O\n# sent_id = 1\nin NN x O\n#Berlin NN x B-LOC\n", [("#Berlin", "LOC")]),
        ("#newdoc\tB-X\nid\tO\n", [("#newdoc", "X")]),
        ("-DOCSTART-s\tB-X\nid\tO\n", [("-DOCSTART-s", "X")]),
        ("# note\nin O\nBerlin B-LOC\n", [("Berlin", "LOC")]),
    ],
)
def test_a_line_with_the_columns_of_a_token_is_one(tmp_path: Path, lines: str, expected: list[tuple[str, str]]) -> None:
    report, (doc,) = converted(file_of(tmp_path, lines), input_format="bio")
    assert ents(doc) == expected
    assert not report.notes


def test_what_may_have_been_a_token_is_counted(tmp_path: Path) -> None:
    report, _ = converted(file_of(tmp_path, "Zinc\tMETAL\nand\tO\n#iron\ntin\tB-M\n"))
    assert dict(report.notes) == {
        "lines with # at the beginning and without a tag, left out": 1,
        "first lines without a tag, taken for names of columns": 1,
    }
    report, _ = converted(file_of(tmp_path, CONLL_2003, "train.txt"))
    assert dict(report.notes) == {"columns of tags besides the last, not converted": 1}


def test_nested_columns_of_germeval(tmp_path: Path) -> None:
    lines = "#\tsource\n1\tTU\tB-ORG\tO\n2\tBerlin\tI-ORG\tB-LOC\n3\tlehrt\tO\tO\n"
    report, _ = converted(file_of(tmp_path, lines), overlaps="spans")
    assert report.labels == {"LOC": (1, 1), "ORG": (1, 1)}


@pytest.mark.parametrize(
    ("tags", "problem", "repaired"),
    [
        ("B-M O I-M", "I-M continues no span of 'M'", ["a", "c"]),
        ("B-M I-N O", "I-N continues no span of 'N'", ["a", "b"]),
        ("B-M I-M O U-M", "the span of 'M' has no end", ["a b", "d"]),
        ("U-M L-M O", "L-M continues no span of 'M'", ["a", "b"]),
    ],
)
def test_malformed_sequences(tmp_path: Path, tags: str, problem: str, repaired: list[str]) -> None:
    lines = "".join(f"{token} {tag}\n" for token, tag in zip("abcd", tags.split(), strict=False))
    report, (doc,) = converted(file_of(tmp_path, lines))
    assert [ent.text for ent in doc.ents] == repaired
    ((_, number),) = report.notes.items()
    assert number == 1
    with pytest.raises(CorpusError, match=rf"export.tsv:\d: {problem}"):
        converted(file_of(tmp_path, lines), malformed="refuse")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "a B-M\nb L-M\nc E-M\nd S-M\n",
            r"export.tsv:3: E- is BIOES's, but .*export.tsv:2 has a tag of BILUO's, with L-",
        ),
        ("a B-M\nb I-M\nc N\nd O\n", r"export.tsv:3: 'N' is not a tag"),
        ("a B-M\nb c I-M\nd O\n", r"export.tsv:2: the line has 3 columns; most lines have 2"),
        ("", r"export.tsv:1: the file is empty"),
        ("\n  \n", r"export.tsv:1: the file is empty"),
        ("a B-M\n" + "x" * 1_000_001 + " O\n", r"export.tsv:2: the line has 1,000,003 characters"),
        ("B-M a\u0416\u0416\u0416 \n".encode("cp1251"), r"export.tsv:1: byte 0xc6 after 'B-M a' is not UTF-8"),
        (b"caf\xc3\xa9 O\nZinc\x97 B-M\n", r"export.tsv:2: byte 0x97 after 'Zinc' is not UTF-8"),
    ],
)
def test_invalid_files_are_named_with_the_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        converted(file_of(tmp_path, content), input_format="conll")


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8-sig", "read as UTF-8, with a byte order mark"),
        ("utf-16", "read as UTF-16, with a byte order mark"),
        ("utf-16-le", "read as UTF-16 without a byte order mark"),
        ("cp1252", "not UTF-8; read as cp1252, the Windows encoding"),
    ],
)
def test_windows_encodings_are_recognized_and_reported(tmp_path: Path, encoding: str, note: str) -> None:
    lines = "Curaçao\tB-PLACE\r\nis\tO\r\nhot\tO\r\n".encode(encoding)
    report, (doc,) = converted(file_of(tmp_path, lines))
    assert ents(doc) == [("Curaçao", "PLACE")]
    assert report.notes == {f"files {note}": 1}
    _, (named,) = converted(file_of(tmp_path, lines), encoding=encoding)
    assert named.text == doc.text


def test_the_tokens_of_a_file_stay_unless_they_are_replaced(tmp_path: Path) -> None:
    source = file_of(tmp_path, "pH-7 B-M\nnow O\n")
    _, (doc,) = converted(source, lang="en")
    assert [token.text for token in doc] == ["pH-7", "now"]
    report, (doc,) = converted(source, lang="en", retokenize=True)
    assert [token.text for token in doc] == ["pH-7", "now"]
    assert report.kept == 1
