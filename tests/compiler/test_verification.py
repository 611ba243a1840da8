"""The comparison: it must see a difference where there is one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.provenance import source_hash
from spacy_lambda.compiler.verification import verify
from spacy_lambda.errors import VerifyError
from tests.compiler.comparisons import SAYS, compare_changes, compare_rules, quiet, rules, set_ents
from tests.compiler.originals import LABELS, TEXTS
from tests.compiler.pipelines import append, component, edit, unproved


def test_agreement_is_the_f1_of_both_sets(tmp_path: Path) -> None:
    first, second = rules(iron="MATERIAL", heat="PROCESS"), rules(iron="MATERIAL", heat="TASK", tin="MATERIAL")
    docs = [first.make_doc(text) for text in ("iron and heat", "tin", "iron", "")]
    report = compare_rules(tmp_path, first, second, docs)
    (ents,) = (row for row in report.components if row.annotation == "ents")
    assert (ents.original, ents.compiled) == (3, 4)
    assert ents.agreement == pytest.approx(4 / 7)
    assert (ents.identical_documents, ents.differing_documents) == (2, (0, 1))
    assert (report.documents, report.identical_documents) == (4, 2)
    assert ents.gold_original is None
    assert report.agreement == ents.agreement


def test_gold_scores(tmp_path: Path) -> None:
    first, second = rules(iron="MATERIAL"), rules(iron="MATERIAL", heat="PROCESS")
    gold = first.make_doc("iron and heat")
    gold.set_ents([Span(gold, 0, 1, "MATERIAL"), Span(gold, 2, 3, "PROCESS")])
    report = compare_rules(tmp_path, first, second, [gold])
    (ents,) = (row for row in report.components if row.annotation == "ents")
    assert ents.gold_original == pytest.approx(2 / 3)
    assert ents.gold_compiled == 1.0


def test_without_annotations_there_is_no_agreement(tmp_path: Path) -> None:
    first = rules(iron="MATERIAL")
    report = compare_rules(tmp_path, first, rules(iron="MATERIAL"), [first.make_doc("tin"), first.make_doc("")])
    assert report.agreement is None
    assert [
        (row.component, row.annotation, row.agreement) for row in report.components if row.annotation == "ents"
    ] == [("entity_ruler", "ents", None)]
    assert report.to_dict()["agreement"] is None


def test_other_components(tmp_path: Path) -> None:
    first = rules()
    with pytest.raises(VerifyError) as caught:
        compare_rules(tmp_path, first, spacy.blank("xx"), [first.make_doc("tin")])
    assert "the one compiled from it" in caught.value.remedy


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.blank("xx")
    docs = []
    for text in TEXTS:
        doc = nlp(text)
        doc.set_ents([Span(doc, t.i, t.i + 1, LABELS[t.lower_]) for t in doc if t.lower_ in LABELS])
        docs.append(doc)
    path = tmp_path_factory.mktemp("corpus") / "corpus.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


@pytest.mark.slow
def test_every_component_of_a_compiled_pipeline(original: Callable[..., Path], tmp_path: Path, corpus: Path) -> None:
    source = original(components=("tagger", "parser", "ner", "spancat", "textcat"))
    compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    report = verify(str(source), str(tmp_path / "out"), corpus, on_step=quiet)
    assert [(row.component, row.annotation) for row in report.components] == [
        ("tagger", "tags"),
        ("parser", "deps"),
        ("parser", "sents"),
        ("ner", "ents"),
        ("spancat", "spans[sc]"),
        ("spancat", "spans[sc].scores"),
        ("textcat", "cats"),
        ("textcat", "cats.scores"),
    ]
    assert report.not_compared == ()
    assert set(report.speed) == {"original", "compiled"}
    assert all(speed.seconds > 0 and speed.words_per_second > 0 for speed in report.speed.values())
    assert report.agreement == 1.0
    assert report.identical_documents == report.documents == len(TEXTS)
    assert report.largest_hidden_difference is not None
    assert report.largest_hidden_difference < 1e-3
    gold: dict[str, Any] = {row.component: row.gold_original for row in report.components if row.annotation != "sents"}
    assert gold["ner"] is not None
    assert gold["tagger"] is None


@pytest.mark.slow
def test_hidden_states_that_a_later_component_removes_are_compared(
    original: Callable[..., Path], tmp_path: Path, corpus: Path
) -> None:
    nlp = spacy.load(original())
    nlp.add_pipe("doc_cleaner", config={"attrs": {"_.trf_data": None}, "silent": True})
    nlp.to_disk(tmp_path / "original")
    compile_pipeline(str(tmp_path / "original"), tmp_path / "out", prove=unproved)
    report = verify(str(tmp_path / "original"), str(tmp_path / "out"), corpus, on_step=quiet)
    assert report.largest_hidden_difference is not None
    assert report.largest_hidden_difference < 1e-3
    assert not [row for row in report.not_compared if row.component == "transformer"]


@pytest.mark.slow
def test_differences_of_int8_are_measured(original: Callable[..., Path], tmp_path: Path, corpus: Path) -> None:
    compile_pipeline(str(original()), tmp_path / "out", precision="int8", prove=unproved)
    report = verify(str(original()), str(tmp_path / "out"), corpus, on_step=quiet)
    assert report.relative_hidden_error is not None
    assert 1e-4 < report.relative_hidden_error < 0.2
    assert json.loads(json.dumps(report.to_dict()))["agreement"] == report.agreement


def test_counts_by_label_and_the_items_that_differ(tmp_path: Path) -> None:
    first, second = rules(iron="MATERIAL", heat="PROCESS"), rules(iron="MATERIAL", heat="TASK", tin="MATERIAL")
    docs = [first.make_doc(text) for text in ("iron and heat", "tin")]
    report = compare_rules(tmp_path, first, second, docs)
    (ents,) = (row for row in report.components if row.annotation == "ents")
    counts = {label: (one.original, one.compiled, one.shared, one.agreement) for label, one in ents.labels.items()}
    assert counts == {
        "MATERIAL": (1, 2, 1, pytest.approx(2 / 3)),
        "PROCESS": (1, 0, 0, 0.0),
        "TASK": (0, 1, 0, 0.0),
    }
    shown = [(one.document, one.start, one.end, one.text, one.original, one.compiled) for one in report.differences]
    assert shown == [(0, 9, 13, "heat", "PROCESS", "TASK"), (1, 0, 3, "tin", None, "MATERIAL")]
    assert "differences" not in report.summary()
    assert "heat" not in json.dumps(report.summary())


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str, Path]:
    """An original, its compiled pipeline, and texts."""
    nlp = rules(iron="MATERIAL")
    nlp.to_disk(tmp_path / "original")
    nlp.meta["spacy_lambda"] = {"precision": "fp32", "source_sha256": source_hash(tmp_path / "original")}
    nlp.to_disk(tmp_path / "compiled")
    (tmp_path / "texts.jsonl").write_text('{"text": "iron"}\n')
    return str(tmp_path / "original"), str(tmp_path / "compiled"), tmp_path / "texts.jsonl"


def test_pipelines_the_wrong_way_round_are_refused(two: tuple[str, str, Path]) -> None:
    original, compiled, texts = two
    with pytest.raises(VerifyError, match="the wrong way round") as caught:
        verify(compiled, original, texts, on_step=quiet)
    assert f"spacy-lambda verify {original} {compiled}" in caught.value.remedy


def test_two_originals_are_compared_with_a_note(two: tuple[str, str, Path]) -> None:
    report = verify(two[0], two[0], two[2], on_step=quiet)
    assert report.agreement == 1.0
    assert "is not compiled" in report.notes[0]


def test_a_pipeline_compiled_from_another_original_is_noted(two: tuple[str, str, Path]) -> None:
    assert verify(*two, on_step=quiet).notes == ()
    Path(two[0], "more.txt").write_text("something else")
    (note,) = verify(*two, on_step=quiet).notes
    assert "compiled from another original" in note


def test_an_original_that_needs_code_gets_it(two: tuple[str, str, Path]) -> None:
    code = component(two[2].parent / "verify_code.py", "doc.cats['A'] = 1.0")
    for folder in two[:2]:
        edit(Path(folder), append("verify_code"))
    with pytest.raises(VerifyError, match="factories 'verify_code'") as caught:
        verify(*two, on_step=quiet)
    assert "--code FILE" in caught.value.remedy
    report = verify(*two, code=[code], on_step=quiet)
    assert {row.annotation for row in report.components} >= {"cats", "ents"}


def fail(doc: Doc) -> None:
    raise ValueError("no such luck")


def test_texts_on_which_the_original_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = compare_changes(tmp_path, monkeypatch, fail, set_ents)
    (failure,) = report.failures
    assert (failure.document, failure.pipeline, failure.component) == (1, "original", "annotates")
    assert failure.error == "ValueError: no such luck"
    assert report.identical_documents == 2


def test_texts_on_which_only_the_compiled_pipeline_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = compare_changes(tmp_path, monkeypatch, set_ents, fail)
    assert [one.pipeline for one in report.failures] == ["compiled"]
    assert report.agreement == 0.0
    assert report.identical_documents == 2


def test_scores_of_int8_are_reported_but_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = spacy.blank("xx"), spacy.blank("sq")
    for nlp in (first, second):
        nlp.add_pipe("annotates")
    second.meta["spacy_lambda"] = {"precision": "int8"}
    monkeypatch.setitem(SAYS, "xx", lambda doc: doc.cats.update(A=0.9))
    monkeypatch.setitem(SAYS, "sq", lambda doc: doc.cats.update(A=0.8))
    report = compare_rules(tmp_path, first, second, [first.make_doc("iron")])
    rows = {row.annotation: row for row in report.components}
    assert report.agreement == rows["cats"].agreement == 1.0
    assert not rows["cats.scores"].counts
    assert rows["cats.scores"].largest_difference == pytest.approx(0.1)
