"""Annotations besides bounds and labels: identifiers, categories, missing values and user data, kept or reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_lambda.conversion import convert
from spacy_lambda.conversion.format_names import FORMAT_NAMES
from spacy_lambda.conversion.formats.registry import ANNOTATION_FORMATS
from spacy_lambda.errors import CorpusError
from tests.conversion.files import converted, docs_in, ents, write_files

HAVE_IDS = ("spacy", "jsonl", "csv", "prodigy")
HAVE_CATS = ("spacy", "jsonl")


def linked(folder: Path) -> Path:
    doc = spacy.blank("xx")("Zinc melts .")
    doc.set_ents([Span(doc, 0, 1, "MAT", kb_id="Q758", span_id="z1")])
    doc.cats = {"METALS": 1.0, "OTHER": 0.0}
    path = folder / "linked.spacy"
    DocBin(docs=[doc], store_user_data=True).to_disk(path)
    return path


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_identifiers_and_categories_are_kept_or_reported(tmp_path: Path, name: str) -> None:
    out = tmp_path / f"out{ANNOTATION_FORMATS[name].suffix}"
    report = convert(linked(tmp_path), out, output_format=name)
    lost = {key for key in report.notes if "which" in key and "tokens" not in key.partition(", which")[0]}
    expected = {f"documents with categories, which {name} cannot hold"} if name not in HAVE_CATS else set()
    expected |= {f"entities with a kb_id or an id, which {name} cannot hold"} if name not in HAVE_IDS else set()
    assert lost == expected
    if name in HAVE_IDS:
        _, (doc,) = converted(out, lang="xx", input_format=name)
        assert [(ent.kb_id_, ent.id_) for ent in doc.ents] == [("Q758", "z1")]
        assert doc.cats == ({"METALS": 1.0, "OTHER": 0.0} if name in HAVE_CATS else {})


def test_identifiers_are_kept_in_groups_of_spans(tmp_path: Path) -> None:
    _, (doc,) = converted(linked(tmp_path), overlaps="spans")
    assert [(span.kb_id_, span.id_) for span in doc.spans["sc"]] == [("Q758", "z1")]
    assert doc.cats["METALS"] == 1


def corpus(folder: Path, doc: Doc) -> Path:
    path = folder / "in.spacy"
    DocBin(docs=[doc], store_user_data=True).to_disk(path)
    return path


def test_what_a_doc_has_besides_entities_is_reported(tmp_path: Path) -> None:
    doc = spacy.blank("xx")("Zinc melts .")
    doc.set_ents([Span(doc, 0, 1, "MAT")])
    doc.spans["parts"] = [Span(doc, 1, 2, "PROCESS")]
    doc[1].tag_ = "VBZ"
    more: Any = {"id": 7, "source": "x", ("._.", "reviewed", None, None): True}
    doc.user_data.update(more)
    report, (read,) = converted(corpus(tmp_path, doc))
    assert (ents(read), read.user_data["id"]) == ([("Zinc", "MAT"), ("melts", "PROCESS")], "7")
    details = {key: found[0].detail for key, found in report.examples.items()}
    assert details == {
        "documents with spans in several places, read as one list": "doc.ents, doc.spans['parts']",
        "values of doc.user_data, not converted": "source, reviewed",
        "documents with annotated tokens, of which entities are converted": "TAG",
    }
    assert report.notes["values of doc.user_data, not converted"] == 2


def test_a_doc_that_was_never_annotated_stays_so(tmp_path: Path) -> None:
    report, (doc,) = converted(corpus(tmp_path, spacy.blank("xx")("Zinc melts .")))
    assert not doc.has_annotation("ENT_IOB")
    assert report.notes["tokens without a value in doc.ents"] == 3


def lines(folder: Path, *spans: Any, **more: Any) -> Path:
    line = json.dumps({"text": "Zinc melts .", "spans": list(spans), **more})
    return write_files(folder, {"in.jsonl": line + "\n"}) / "in.jsonl"


def test_values_that_jsonl_has_and_spacy_has_not_are_reported(tmp_path: Path) -> None:
    span = {"start": 0, "end": 4, "label": "MAT", "id": 3, "certain": True, "note": "pure", "empty": None}
    path = lines(tmp_path, span, relations=[{"head": 1}, {"head": 2}], cats=["METALS"])
    report, _ = converted(path)
    assert dict(report.notes) == {
        "values of spans, not converted": 2,
        "relations, not converted": 2,
        "documents with categories, not converted": 1,
    }


@pytest.mark.parametrize(
    ("label", "kept"), [("MAT", "MAT"), (3, "3"), (3.0, "3"), (None, None), (float("nan"), None), ("None", "None")]
)
def test_a_null_label_is_no_text(tmp_path: Path, label: Any, kept: str | None) -> None:
    report, (doc,) = converted(lines(tmp_path, [0.0, 4.0, label], id=float("nan")))
    assert [label for _, label in ents(doc)] == ([] if kept is None else [kept])
    assert dict(report.dropped) == ({"no label": 1} if kept is None else {})
    assert doc.user_data["id"] == "in-1"


@pytest.mark.parametrize("label", [["MAT"], {"name": "MAT"}, True])
def test_a_label_that_is_not_a_string_is_named(tmp_path: Path, label: Any) -> None:
    with pytest.raises(CorpusError, match=r"in.jsonl:1: the label .* is not a string"):
        converted(lines(tmp_path, {"start": 0, "end": 4, "label": label}))


def test_a_part_without_values_is_kept_or_reported(tmp_path: Path) -> None:
    doc = spacy.blank("xx")("Zinc melts .")
    doc.set_ents([Span(doc, 0, 1, "MAT")], default="missing")
    path = corpus(tmp_path, doc)
    convert(path, tmp_path / "again.spacy", lang="xx")
    assert [token.ent_iob_ for token in docs_in(tmp_path / "again.spacy")[0]] == ["B", "", ""]
    report = convert(path, tmp_path / "x.jsonl", lang="xx", output_format="jsonl")
    assert report.notes["documents with parts that are not annotated, which jsonl cannot hold"] == 1
