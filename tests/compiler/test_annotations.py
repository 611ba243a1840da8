"""Every kind of annotation is compared, and a difference is seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.tokens import Doc, Span, Token

from tests.compiler.comparisons import compare_changes, set_ents, set_user_data


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
