"""The comparison: it must see a difference where there is one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_lambda.compiler.build import compile_pipeline
from spacy_lambda.compiler.compare import Report, compare, verify
from spacy_lambda.errors import VerifyError

from .originals import LABELS, TEXTS


def quiet(step: str, done: int, total: int) -> None:
    """No progress."""


def rules(**labels: str) -> Language:
    """A pipeline that finds words."""
    nlp = spacy.blank("en")
    patterns = [{"label": label, "pattern": word} for word, label in labels.items()]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)  # type: ignore[attr-defined]
    return nlp


def compare_rules(tmp_path: Path, first: Language, second: Language, docs: list[Doc]) -> Report:
    second.to_disk(tmp_path / "second")
    return compare(first, tmp_path / "second", docs, on_step=quiet)


def test_agreement_is_the_f1_of_both_sets(tmp_path: Path) -> None:
    first, second = rules(iron="MATERIAL", heat="PROCESS"), rules(iron="MATERIAL", heat="TASK", tin="MATERIAL")
    docs = [first.make_doc(text) for text in ("iron and heat", "tin", "iron", "")]
    report = compare_rules(tmp_path, first, second, docs)
    (ents,) = report.components
    assert (ents.original, ents.compiled, ents.agreement) == (3, 4, pytest.approx(4 / 7))
    assert (ents.identical_documents, ents.differing_documents) == (2, (0, 1))
    assert (report.documents, report.identical_documents) == (4, 2)
    assert ents.gold_original is None
    assert report.agreement == ents.agreement


def test_gold_scores(tmp_path: Path) -> None:
    first, second = rules(iron="MATERIAL"), rules(iron="MATERIAL", heat="PROCESS")
    gold = first.make_doc("iron and heat")
    gold.set_ents([Span(gold, 0, 1, "MATERIAL"), Span(gold, 2, 3, "PROCESS")])
    (ents,) = compare_rules(tmp_path, first, second, [gold]).components
    assert ents.gold_original == pytest.approx(2 / 3)
    assert ents.gold_compiled == 1.0


def test_nothing_said_is_agreement(tmp_path: Path) -> None:
    first = rules(iron="MATERIAL")
    report = compare_rules(tmp_path, first, rules(iron="MATERIAL"), [first.make_doc("tin")])
    assert report.agreement == 1.0


def test_other_components(tmp_path: Path) -> None:
    first = rules()
    with pytest.raises(VerifyError) as caught:
        compare_rules(tmp_path, first, spacy.blank("en"), [first.make_doc("tin")])
    assert "what was compiled from it" in caught.value.remedy


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.blank("en")
    docs = []
    for text in TEXTS:
        doc = nlp(text)
        doc.set_ents([Span(doc, t.i, t.i + 1, LABELS[t.lower_]) for t in doc if t.lower_ in LABELS])
        docs.append(doc)
    path = tmp_path_factory.mktemp("corpus") / "corpus.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


def test_every_component_of_a_compiled_pipeline(original: Callable[..., Path], tmp_path: Path, corpus: Path) -> None:
    source = original(components=("tagger", "parser", "ner", "spancat", "textcat"))
    compile_pipeline(str(source), tmp_path / "out")
    report = verify(str(source), str(tmp_path / "out"), corpus, on_step=quiet)
    assert [(row.component, row.says) for row in report.components] == [
        ("tagger", "tags"),
        ("parser", "deps"),
        ("ner", "ents"),
        ("spancat", "spans[sc]"),
        ("textcat", "cats"),
    ]
    assert report.agreement == 1.0
    assert report.identical_documents == report.documents == len(TEXTS)
    assert report.largest_hidden_difference is not None
    assert report.largest_hidden_difference < 1e-3
    gold: dict[str, Any] = {row.component: row.gold_original for row in report.components}
    assert gold["ner"] is not None
    assert gold["tagger"] is None


def test_differences_of_int8_are_measured(original: Callable[..., Path], tmp_path: Path, corpus: Path) -> None:
    compile_pipeline(str(original()), tmp_path / "out", precision="int8")
    report = verify(str(original()), str(tmp_path / "out"), corpus, on_step=quiet)
    assert report.relative_hidden_error is not None
    assert 1e-4 < report.relative_hidden_error < 0.2
    assert json.loads(json.dumps(report.to_dict()))["agreement"] == report.agreement
