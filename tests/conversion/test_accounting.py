"""The account: spans that are not sound, that do not fit tokens, and labels that are renamed or left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.conversion import ConversionOptions, convert
from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, docs_in, ents, write_files

TEXT = "  Zinc-plated steel, 30kV.  "


def lines_of(folder: Path, *spans: Any, text: str = TEXT) -> Path:
    line = json.dumps({"id": "d", "text": text, "spans": list(spans)})
    return write_files(folder, {"in.jsonl": line + "\n"}) / "in.jsonl"


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        ([2, 2, "M"], "empty"),
        ([0, 2, "M"], "empty"),
        ([2, 99, "M"], "out of bounds"),
        ([-1, 4, "M"], "out of bounds"),
        ([6, 2, "M"], "out of bounds"),
        ([2, 6, ""], "no label"),
        ([2, 5, "M"], "misaligned"),
        ({"start": 2, "end": 6, "label": "M", "text": "Iron"}, "different text"),
    ],
)
def test_a_span_that_is_not_kept_has_a_reason(tmp_path: Path, span: Any, reason: str) -> None:
    report, (doc,) = converted(lines_of(tmp_path, span, [14, 19, "M"]), lang="en")
    assert dict(report.dropped) == {reason: 1}
    assert ents(doc) == [("steel", "M")]
    assert report.examples[reason][0].place.endswith("in.jsonl:1")


@pytest.mark.parametrize(
    ("policy", "expected", "adjusted"),
    [
        ("drop", [], {}),
        ("expand", [("Zinc", "M"), ("30kV.", "Q")], {"expanded": 2}),
        ("contract", [], {}),
    ],
)
def test_policies_of_bounds(tmp_path: Path, policy: str, expected: Any, adjusted: dict[str, int]) -> None:
    source = lines_of(tmp_path, [2, 5, "M"], [21, 25, "Q"])
    report, (doc,) = converted(source, lang="en", misaligned=policy)
    assert ents(doc) == expected
    assert dict(report.adjusted) == adjusted
    assert report.entities == report.kept + sum(report.dropped.values()) == 2


def test_contract_keeps_the_tokens_that_are_inside(tmp_path: Path) -> None:
    _, (doc,) = converted(lines_of(tmp_path, [4, 19, "M"]), lang="en", misaligned="contract")
    assert ents(doc) == [("-plated steel", "M")] or ents(doc) == [("plated steel", "M")]


def test_white_space_at_the_ends_is_cut(tmp_path: Path) -> None:
    report, (doc,) = converted(lines_of(tmp_path, [13, 19, "M"]), lang="en")
    assert ents(doc) == [("steel", "M")]
    assert dict(report.adjusted) == {"trimmed": 1}


def test_a_span_that_occurs_twice_is_kept_once(tmp_path: Path) -> None:
    report, _ = converted(lines_of(tmp_path, [14, 19, "M"], [14, 19, "M"]))
    assert (report.kept, dict(report.dropped)) == (1, {"duplicate": 1})


def test_labels_are_renamed_and_left_out(tmp_path: Path) -> None:
    source = lines_of(tmp_path, [2, 6, "metal"], [14, 19, "alloy"])
    report, (doc,) = converted(source, lang="en", rename={"metal": "METAL", "alloy": ""})
    assert ents(doc) == [("Zinc", "METAL")]
    assert report.labels == {"METAL": (1, 1), "alloy": (1, 0)}
    assert dict(report.dropped) == {"label left out": 1}


def test_labels_to_rename_that_do_not_occur_are_counted(tmp_path: Path) -> None:
    report, _ = converted(lines_of(tmp_path, [2, 6, "metal"]), lang="en", rename={"Metal": "M", "metal": "M"})
    assert dict(report.notes) == {"labels to rename that no entity has": 1}
    assert report.examples["labels to rename that no entity has"][0].detail == "'Metal'"


def test_labels_with_line_breaks_do_not_break_the_lines_of_columns(tmp_path: Path) -> None:
    source = lines_of(tmp_path, [0, 4, "Base\n\tmetal"], text="Zinc melts")
    report = convert(source, tmp_path / "x.tsv", output_format="bio", lang="xx")
    assert list(report.notes) == [
        "documents with tabs or line breaks in labels, written as a space, which bio cannot hold"
    ]
    assert converted(tmp_path / "x.tsv")[0].labels == {"Base metal": (1, 1)}


def test_an_empty_annotated_text_is_none(tmp_path: Path) -> None:
    report, _ = converted(lines_of(tmp_path, {"start": 14, "end": 19, "label": "M", "text": ""}), lang="en")
    assert report.kept == 1


def test_a_document_without_a_text_is_left_out(tmp_path: Path) -> None:
    lines = '{"text": " ", "spans": [[0, 1, "M"]]}\n{"text": "Zinc", "spans": []}\n'
    report, docs = converted(write_files(tmp_path, {"in.jsonl": lines}) / "in.jsonl")
    assert len(docs) == 1
    assert (dict(report.left_out), dict(report.dropped)) == ({"no text": 1}, {"no text": 1})


def test_a_text_over_the_limit_of_spacy_is_refused(tmp_path: Path) -> None:
    lines = '{"text": "Zinc", "spans": []}\n' + json.dumps({"text": "x" * 1_000_001, "spans": []})
    with pytest.raises(CorpusError, match=r"in.jsonl:2: the text has 1,000,001 characters; spaCy's limit is 1,000,000"):
        converted(write_files(tmp_path, {"in.jsonl": lines}) / "in.jsonl")


def test_output_that_exists_is_replaced_only_by_force(tmp_path: Path) -> None:
    source, out = lines_of(tmp_path, [14, 19, "M"]), tmp_path / "out.spacy"
    convert(source, out, lang="xx")
    with pytest.raises(CorpusError, match="exists") as caught:
        convert(source, out, lang="xx")
    assert "--force" in caught.value.remedy
    convert(source, out, lang="xx", force=True)
    assert len(docs_in(out)) == 1
    with pytest.raises(CorpusError, match="is the source"):
        convert(source, source, output_format="jsonl", force=True)
    for path in (tmp_path / "out.txt", tmp_path / "out"):
        with pytest.raises(CorpusError, match=r"does not end with \.spacy"):
            convert(source, path)


def test_a_format_that_cannot_hold_overlaps_is_refused_for_spans(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="bio cannot hold overlapping spans"):
        convert(lines_of(tmp_path), tmp_path / "x", output_format="bio", options=ConversionOptions(overlaps="spans"))


def test_an_unknown_format_lists_what_was_tried(tmp_path: Path) -> None:
    source = write_files(tmp_path, {"notes.md": "Just a text.\n"}) / "notes.md"
    with pytest.raises(CorpusError, match="is not recognized; tried spacy, parquet") as caught:
        converted(source)
    assert "--format" in caught.value.remedy


def test_tokens_without_a_value_stay_so(tmp_path: Path) -> None:
    _, (doc,) = converted(lines_of(tmp_path, [2, 5, "M"]), lang="en")
    missing = [token.text for token in doc if not token.ent_iob]
    assert "Zinc" in "".join(missing)
    report = convert(tmp_path / "converted.spacy", tmp_path / "again.spacy")
    (again,) = docs_in(tmp_path / "again.spacy")
    assert [token.text for token in again if not token.ent_iob] == missing
    assert dict(report.notes) == {"tokens without a value in doc.ents": len(missing)}


def test_what_a_format_cannot_hold_is_reported(tmp_path: Path) -> None:
    source = lines_of(tmp_path, [14, 19, "Base metal"])
    report = convert(source, tmp_path / "brat", output_format="brat")
    assert list(report.notes) == [
        "documents with other characters than letters, digits and - in labels, written as _, which brat cannot hold"
    ]
    report = convert(source, tmp_path / "x.conll", output_format="conll", lang="xx")
    assert list(report.notes) == ["texts whose tokens are not all separated by one space, which conll cannot hold"]
    report = convert(tmp_path / "x.conll", tmp_path / "x.jsonl", output_format="jsonl")
    assert not report.notes
    other = write_files(tmp_path, {"y.conll": "20g B-M\nmelt O\n"}) / "y.conll"
    report = convert(other, tmp_path / "y.jsonl", output_format="jsonl")
    assert list(report.notes) == ["documents with other tokens than the tokenizer's, which jsonl cannot hold"]


def test_identifiers_name_files_in_the_folder_only(tmp_path: Path) -> None:
    lines = "".join(
        json.dumps({"id": one, "text": f"Zinc {number}", "spans": []}) + "\n"
        for number, one in enumerate(("../../up", "/etc/x", "a:b", "a:b", "", "con/.", "x" * 500))
    )
    source = write_files(tmp_path / "in", {"in.jsonl": lines}) / "in.jsonl"
    report = convert(source, tmp_path / "out" / "brat", output_format="brat")
    assert report.documents == 7
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
    assert len(list((tmp_path / "out" / "brat").rglob("*.txt"))) == 7
    assert convert(tmp_path / "out" / "brat", tmp_path / "again.spacy", lang="xx").documents == 7
