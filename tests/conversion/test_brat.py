"""brat: nested and discontinuous spans, other annotations, what is missing, and what does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, ents, spans_in, write_files

TEXT = "Thin films of zinc oxide grow on glass.\nThe zinc and tin oxides conduct."
ANN = (
    "T1\tMaterial 14 24\tzinc oxide\n"
    "T2\tMaterial 14 18\tzinc\n"
    "T3\tMaterial 44 48;57 63\tzinc oxides\n"
    "R1\tSynonym-of Arg1:T1 Arg2:T2\n"
    "*\tEquiv T1 T2\n"
    "A1\tNegation T1\n"
    "#1\tAnnotatorNotes T1\tcheck this\n"
    "T4\tProcess 0 10;11 13\tThin films of\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "corpus", {"a/one.txt": TEXT, "a/one.ann": ANN})


def test_every_entity_is_kept_or_has_a_reason(folder: Path) -> None:
    report, (doc,) = converted(folder)
    assert report.format == "brat"
    assert (report.entities, report.kept) == (4, 2)
    assert report.dropped == {"overlapping": 1, "discontinuous": 1}
    assert ents(doc) == [("Thin films of", "Process"), ("zinc oxide", "Material")]
    assert doc.user_data["id"] == "a/one"
    assert report.notes == {
        "relations of brat, not converted": 2,
        "attributes of brat, not converted": 1,
        "notes of brat, not converted": 1,
    }
    (example,) = report.examples["discontinuous"]
    assert example.place == f"{folder}/a/one.ann:3"
    assert (example.label, example.text) == ("Material", "zinc oxides")


def test_tokens_of_a_dropped_span_have_no_value(folder: Path) -> None:
    _, (doc,) = converted(folder)
    assert [token.text for token in doc if not token.ent_iob] == ["zinc", "oxides"]


def test_spans_keep_what_is_nested_and_join_fragments(folder: Path) -> None:
    report, (doc,) = converted(folder, overlaps="spans", discontinuous="join")
    assert (report.kept, dict(report.dropped)) == (4, {})
    assert dict(report.adjusted) == {"joined": 1, "joined at white space": 1}
    assert ("zinc and tin oxides", "Material") in spans_in(doc)
    assert ("zinc", "Material") in spans_in(doc)
    assert not doc.ents


def test_first_keeps_what_the_file_has_first(tmp_path: Path) -> None:
    ann = "T2\tB 5 10\tfilms\nT1\tA 0 10\tThin films\n"
    report, (doc,) = converted(write_files(tmp_path / "x", {"a.txt": "Thin films", "a.ann": ann}), overlaps="first")
    assert ents(doc) == [("films", "B")]
    assert report.examples["overlapping"][0].detail == "B 'films' is kept"


def test_a_file_finds_the_one_beside_it(folder: Path) -> None:
    for name in ("one.ann", "one.txt"):
        assert converted(folder / "a" / name)[0].entities == 4


@pytest.mark.parametrize(
    ("offsets", "text", "adjusted"),
    [
        ("0 4;5 13", "Zinc sulphide", {"joined at white space": 1}),  # brat ends a fragment with its line
        ("5 13;0 4", "sulphide Zinc", {"joined at white space": 1}),
        ("0 5;4 13", "Zinc\n \nsulphide", {"joined at white space": 1}),
        ("0 4;4 4", "Zinc", {"joined at white space": 1}),
        ("0 13", "Zinc sulphide", {}),
    ],
)
def test_fragments_that_are_not_apart_are_joined_and_counted(
    tmp_path: Path, offsets: str, text: str, adjusted: dict[str, int]
) -> None:
    ann = f"T1\tM {offsets}\t{text}\n".replace("\n \n", " ")
    report, (doc,) = converted(write_files(tmp_path / "x", {"a.txt": "Zinc\nsulphide.", "a.ann": ann}), lang="en")
    assert ents(doc)[0][0] == ("Zinc" if text == "Zinc" else "Zinc\nsulphide")
    assert dict(report.adjusted) == adjusted


def test_a_comment_may_follow_the_text_and_the_text_may_have_tabs(tmp_path: Path) -> None:
    ann = "T1\tM 0 4\tZinc\tchecked by Ann\nT2\tM 5 10\ta\tb c\n"
    report, _ = converted(write_files(tmp_path / "x", {"a.txt": "Zinc a\tb c", "a.ann": ann}))
    assert (report.kept, dict(report.dropped)) == (2, {})


def test_an_adjusted_span_that_is_dropped_is_not_one_of_those_kept(tmp_path: Path) -> None:
    ann = "T1\tM 0 14\tZinc sulphide.\nT2\tM 5 13;13 13\tsulphide\n"
    report, _ = converted(write_files(tmp_path / "x", {"a.txt": "Zinc sulphide.", "a.ann": ann}))
    assert (report.kept, dict(report.dropped), dict(report.adjusted)) == (1, {"overlapping": 1}, {})


def test_labels_may_have_spaces(tmp_path: Path) -> None:
    files = {"a.txt": "Zinc melts.", "a.ann": "T1\tBase metal 0 4\tZinc\n"}
    _, (doc,) = converted(write_files(tmp_path / "x", files))
    assert ents(doc) == [("Zinc", "Base metal")]


def test_a_text_without_annotations_is_left_out_and_one_with_none_is_not(tmp_path: Path) -> None:
    files = {"a.txt": "Zinc melts.", "a.ann": "", "b.txt": "Tin melts."}
    report, docs = converted(write_files(tmp_path / "x", files))
    assert [doc.text for doc in docs] == ["Zinc melts."]
    assert report.notes == {"texts without an .ann file, left out": 1}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": "Zinc", "a.ann": "T1\tMetal 0 4\tZinc\nT2 Metal 0 4 Zinc\n"}, "a.ann:2: .* is not a span of brat"),
        ({"a.txt": "Zinc", "a.ann": "Zinc is a metal\n"}, "a.ann:1: .* is not an annotation of brat"),
        ({"a.ann": "T1\tMetal 0 4\tZinc\n"}, "the text is missing: a.txt"),
        ({"a.txt": "Zinc", "a.ann": f"T1\tMetal 0 {'9' * 5000}\tZinc\n"}, r"a.ann:1: an offset has 5,000 digits"),
    ],
)
def test_invalid_files_are_named_with_the_line(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        converted(write_files(tmp_path / "x", files))
