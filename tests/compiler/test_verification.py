"""The comparison: it must see a difference where there is one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, Token

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.provenance import source_hash
from spacy_lambda.compiler.report import VerificationReport
from spacy_lambda.compiler.verification import compare, verify
from spacy_lambda.errors import VerifyError
from tests.compiler.originals import LABELS, TEXTS
from tests.compiler.pipelines import append, component, edit, unproved


def quiet(step: str, done: int, total: int) -> None:
    """No progress."""


def rules(**labels: str) -> Language:
    """A pipeline that finds words."""
    nlp = spacy.blank("xx")
    patterns = [{"label": label, "pattern": word} for word, label in labels.items()]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)  # type: ignore[attr-defined]
    return nlp


def compare_rules(tmp_path: Path, first: Language, second: Language, docs: list[Doc]) -> VerificationReport:
    second.to_disk(tmp_path / "second")
    return compare(first, tmp_path / "second", docs, on_step=quiet)


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


@Language.component("annotates")
def annotates(doc: Doc) -> Doc:
    """Annotate a Doc in the way that belongs to the pipeline's language."""
    SAYS[doc.vocab.lang](doc)
    return doc


@Language.component("mute")
def mute(doc: Doc) -> Doc:
    """Annotate nothing."""
    return doc


SAYS: dict[str, Callable[[Doc], None]] = {}


@pytest.fixture
def extensions() -> Iterator[None]:
    """Custom extensions, which are global, for one test."""
    added: list[tuple[Any, str, dict[str, Any]]] = [
        (Doc, "mood", {"default": None}),
        (Doc, "n_ents", {"getter": lambda doc: len(doc.ents)}),
        (Doc, "opaque", {"default": None}),
        (Span, "norm", {"default": None}),
        (Token, "is_metal", {"default": False}),
        (Token, "doubled", {"getter": lambda token: token.tag_ * 2}),
    ]
    for owner, name, settings in added:
        owner.set_extension(name, **settings)
    yield
    for owner, name, _ in added:
        owner.remove_extension(name)


def set_ents(doc: Doc, **changes: Any) -> None:
    doc.set_ents([Span(doc, 0, 1, **{"label": "MATERIAL", **changes})])


def set_tokens(name: str, value: Any) -> Callable[[Doc], None]:
    return lambda doc: setattr(doc[1], name, value)


def set_morph(features: str) -> Callable[[Doc], None]:
    def change(doc: Any) -> None:
        doc[0].set_morph(features)

    return change


def set_spans(doc: Doc, key: str, label: str, score: float) -> None:
    doc.spans[key] = [Span(doc, 0, 2, label)]
    doc.spans[key].attrs["scores"] = np.array([score])


def set_span_attrs(doc: Doc, **attrs: Any) -> None:
    doc.spans["mine"] = [Span(doc, 0, 2, "A")]
    doc.spans["mine"].attrs.update(attrs)


def set_user_data(doc: Doc, key: str, value: Any) -> None:
    doc.user_data[key] = value


def merge(doc: Doc) -> None:
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:2])


# The original's annotation, the compiled pipeline's annotation, and the kind that differs.
DIFFERENT: dict[str, tuple[Callable[[Doc], None], Callable[[Doc], None], str]] = {
    "ents of a custom component": (set_ents, partial(set_ents, label="TASK"), "ents"),
    "entity links": (partial(set_ents, kb_id="Q1"), partial(set_ents, kb_id="Q2"), "ents.kb_id"),
    "entity ids": (partial(set_ents, span_id="a"), partial(set_ents, span_id="b"), "ents.id"),
    "tags": (set_tokens("tag_", "NN"), set_tokens("tag_", "VB"), "tags"),
    "pos": (set_tokens("pos_", "NOUN"), set_tokens("pos_", "VERB"), "pos"),
    "lemmas": (set_tokens("lemma_", "grow"), set_tokens("lemma_", "grew"), "lemmas"),
    "norms": (set_tokens("norm_", "grow"), set_tokens("norm_", "grew"), "norms"),
    "deps": (set_tokens("dep_", "ROOT"), set_tokens("dep_", "nsubj"), "deps"),
    "morphs": (set_morph("A=1"), set_morph("A=2"), "morphs"),
    "sentence starts": (set_tokens("is_sent_start", True), set_tokens("is_sent_start", False), "sents"),
    "any group of spans": (
        partial(set_spans, key="mine", label="A", score=0.5),
        partial(set_spans, key="mine", label="B", score=0.5),
        "spans[mine]",
    ),
    "scores of spans": (
        partial(set_spans, key="mine", label="A", score=0.5),
        partial(set_spans, key="mine", label="A", score=0.6),
        "spans[mine].scores",
    ),
    "a group that is missing": (partial(set_spans, key="mine", label="A", score=0.5), lambda doc: None, "spans[mine]"),
    "categories": (lambda doc: doc.cats.update(A=0.9), lambda doc: doc.cats.update(A=0.1), "cats"),
    "scores of categories": (lambda doc: doc.cats.update(A=0.9), lambda doc: doc.cats.update(A=0.8), "cats.scores"),
    "the tensor": (
        lambda doc: setattr(doc, "tensor", np.ones((2, 2))),
        lambda doc: setattr(doc, "tensor", np.zeros((2, 2))),
        "tensor",
    ),
    "an extension of Doc": (
        lambda doc: doc._.set("mood", {"good": [1, 0.5]}),
        lambda doc: doc._.set("mood", {"good": [1, 0.6]}),
        "doc._.mood",
    ),
    "an extension of Span": (
        lambda doc: doc[0:2]._.set("norm", "x"),
        lambda doc: doc[0:2]._.set("norm", "y"),
        "span._.norm",
    ),
    "an extension of Token": (lambda doc: doc[1]._.set("is_metal", True), lambda doc: None, "token._.is_metal"),
    "a getter": (set_ents, lambda doc: None, "doc._.n_ents"),
    "a getter of Token": (set_tokens("tag_", "NN"), set_tokens("tag_", "VB"), "token._.doubled"),
    "user data": (
        partial(set_user_data, key="k", value={1}),
        partial(set_user_data, key="k", value={2}),
        "user_data[k]",
    ),
    "attributes of a group of spans": (
        partial(set_span_attrs, colour="red"),
        partial(set_span_attrs, colour="blue"),
        "spans[mine].attrs",
    ),
    "scores that are not one of each span": (
        partial(set_span_attrs, scores=[0.1, 0.2]),
        partial(set_span_attrs, scores=[0.1, 0.3]),
        "spans[mine].attrs",
    ),
    "sentiment": (lambda doc: setattr(doc, "sentiment", 0.5), lambda doc: setattr(doc, "sentiment", 0.9), "sentiment"),
    "tokens": (lambda doc: None, merge, "tokens"),
}


def compare_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Callable[[Doc], None], second: Callable[[Doc], None]
) -> VerificationReport:
    original, compiled = spacy.blank("xx"), spacy.blank("sq")
    for nlp in (original, compiled):
        nlp.add_pipe("annotates")
        nlp.add_pipe("mute")
    monkeypatch.setitem(SAYS, "xx", lambda doc: first(doc) if doc.text.startswith("Iron") else None)
    monkeypatch.setitem(SAYS, "sq", lambda doc: second(doc) if doc.text.startswith("Iron") else None)
    # Languages without exceptions of their tokenizers, which take long to load, and without stop words in the texts.
    texts = ("Silent films glow", "Iron grows slowly", "")
    return compare_rules(tmp_path, original, compiled, [original.make_doc(text) for text in texts])


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize(("first", "second", "annotation"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_every_kind_of_annotation(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: Callable[[Doc], None],
    second: Callable[[Doc], None],
    annotation: str,
) -> None:
    report = compare_changes(tmp_path, monkeypatch, first, second)
    rows = {row.annotation: row for row in report.components if row.component == "annotates"}
    agreement = rows[annotation].agreement
    assert agreement is not None
    assert agreement < 1
    assert report.agreement is not None
    assert report.agreement < 1
    assert rows[annotation].differing_documents == (1,)
    assert report.identical_documents == 2
    different = next(one for one in report.differences if one.annotation == annotation)
    assert (different.document, different.component) == (1, "annotates")
    assert different.original != different.compiled
    assert [one.component for one in report.not_compared] == ["mute"]
    json.dumps(report.to_dict())


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize("annotate", [second for _, second, _ in DIFFERENT.values()], ids=DIFFERENT.keys())
def test_the_same_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, annotate: Callable[[Doc], None]) -> None:
    report = compare_changes(tmp_path, monkeypatch, annotate, annotate)
    assert report.identical_documents == 3
    assert report.agreement in (1.0, None)
    assert report.differences == ()


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


@pytest.mark.usefixtures("extensions")
def test_values_that_cannot_be_compared_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(doc: Doc) -> None:
        doc._.opaque = [object()]

    report = compare_changes(tmp_path, monkeypatch, change, change)
    reasons = {(one.component, one.reason) for one in report.not_compared}
    assert ("annotates", "doc._.opaque holds values of type object") in reasons
    assert report.agreement is None


def test_changes_in_the_vocabulary_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(doc: Doc) -> None:
        doc[1].lex.is_stop = True

    report = compare_changes(tmp_path, monkeypatch, change, lambda doc: None)
    # Whose change it was is forgotten once a text was seen: the vocabulary keeps it.
    assert [row.agreement for row in report.components if row.annotation == "is_stop"] == [0.0]
    assert report.identical_documents == 2


@pytest.mark.parametrize("owner", ["doc", "token", "span"])
def test_hooks_are_compared_by_their_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str) -> None:
    def set_hooks(doc: Doc, value: float) -> None:
        set_ents(doc)
        hooks = {"doc": doc.user_hooks, "token": doc.user_token_hooks, "span": doc.user_span_hooks}
        hooks[owner]["vector"] = lambda thing: np.full(3, value)
        hooks[owner]["similarity"] = lambda one, other: value

    def changes(value: float) -> Callable[[Doc], None]:
        return lambda doc: set_hooks(doc, value)

    report = compare_changes(tmp_path, monkeypatch, changes(1.0), changes(2.0))
    agreements = {row.annotation: row.agreement for row in report.components}
    assert agreements[f"{owner} hook vector"] == agreements[f"{owner} hook similarity"] == 0.0
    report = compare_changes(tmp_path, monkeypatch, changes(1.0), changes(1.0))
    assert report.agreement == 1.0
    assert [one.component for one in report.not_compared] == ["mute"]


def counted(change: Callable[[Doc, int], None]) -> Callable[[Doc], None]:
    """Annotate in another way each time."""
    numbers = itertools.count()
    return lambda doc: change(doc, next(numbers))


UNSTEADY: dict[str, tuple[Callable[[Doc, int], None], str]] = {
    "a value": (lambda doc, n: set_user_data(doc, "k", n), "user_data[k]"),
    "a label": (lambda doc, n: set_ents(doc, label=f"L{n}"), "ents"),
    "a link": (lambda doc, n: set_ents(doc, kb_id=f"Q{n}"), "ents.kb_id"),
    "a score": (lambda doc, n: doc.cats.update(A=0.5 + n / 100), "cats.scores"),
    "a place": (lambda doc, n: doc.set_ents([Span(doc, n % 3, n % 3 + 1, "A")]), "ents"),
}


@pytest.mark.parametrize(("change", "annotation"), UNSTEADY.values(), ids=UNSTEADY.keys())
def test_annotations_that_change_from_run_to_run_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Doc, int], None], annotation: str
) -> None:
    report = compare_changes(tmp_path, monkeypatch, counted(change), lambda doc: change(doc, 101))
    rows = {row.annotation: row for row in report.components if row.component == "annotates"}
    assert rows[annotation].unsteady_documents == 1
    assert report.agreement in (None, 1.0)
    assert (report.differences, report.identical_documents) == ((), 3)
    assert not [row for row in report.components if row.component == "mute"]


def test_a_difference_next_to_unsteady_annotations_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(doc: Doc, number: int) -> None:
        doc.set_ents([Span(doc, 0, 1, f"L{number}"), Span(doc, 1, 2, "A")])

    def change_other(doc: Doc) -> None:
        doc.set_ents([Span(doc, 0, 1, "L"), Span(doc, 1, 2, "B")])

    report = compare_changes(tmp_path, monkeypatch, counted(change), change_other)
    (ents,) = (row for row in report.components if row.annotation == "ents")
    assert (ents.original, ents.compiled, ents.shared, ents.unsteady_documents) == (1, 1, 0, 1)
    assert report.agreement == 0.0
    assert {(one.original, one.compiled) for one in report.differences} == {("A", "B")}


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
