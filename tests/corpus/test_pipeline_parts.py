"""Labels and parts that a pipeline does not have are reported before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.util import registry

from spacy_lambda.corpus import annotate, estimate_corpus
from spacy_lambda.corpus.pipeline_parts import PARTS, UNKNOWN_PARTS, PipelineParts
from spacy_lambda.errors import CorpusError
from spacy_lambda.runtime.labels import DECLARED
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, write_jsonl

NER = PipelineParts(
    factories={"transformer": "onnx_transformer_v1", "tagger": "tagger", "ner": "ner"},
    labels={"tagger": ["NN"], "ner": ["MATERIAL", "TASK"]},
)


SETS = {"doc.ents": "ents", "doc.spans": "spans", "doc.cats": "cats", "token.is_sent_start": "sents"}


def test_the_table_has_what_factories_declare() -> None:
    declared = {}
    for factory in spacy.blank("xx").factory_names:
        module = registry.factories.get(factory).__module__
        # The factory of any function that is a component is from spacy.language.
        if module.partition(".")[0] in DECLARED and module != "spacy.language" and "." not in factory:
            declared[factory] = {SETS[part] for part in Language.get_factory_meta(factory).assigns if part in SETS}
    declared["span_ruler"].add("ents")
    assert {factory: set(PARTS[factory]) for factory in declared if factory in PARTS} == declared


def test_a_label_that_no_component_has() -> None:
    NER.check_labels(["TASK"])
    with pytest.raises(CorpusError, match=r"have the label 'MATERIALS'; its .*: 'MATERIAL', 'TASK'") as caught:
        NER.check_labels(["TASK", "MATERIALS"])
    assert caught.value.remedy == "did you mean 'MATERIAL'?"
    with pytest.raises(CorpusError, match="'NN'") as caught:
        NER.check_labels(["NN"])
    assert "--labels" in caught.value.remedy


@pytest.mark.parametrize(
    "parts",
    [
        UNKNOWN_PARTS,
        PipelineParts(factories={"ner": "ner"}, labels={}),
        PipelineParts(factories={"ner": "ner", "rules": "my_rules"}, labels={"ner": ["A"], "rules": ["B"]}),
        PipelineParts(factories={"ner": "ner", "s": "span_finder"}, labels={"ner": ["A"]}),
    ],
)
def test_labels_that_are_not_all_known_are_not_checked(parts: PipelineParts) -> None:
    parts.check_labels(["X"])


def test_parts_that_no_component_sets() -> None:
    assert NER.missing(["ents", "tokens"]) is None
    missing = NER.missing(["ents", "sents", "cats"])
    assert missing is not None
    assert missing.startswith("no component sets sents, cats")
    assert missing.endswith("components: 'transformer', 'tagger', 'ner'")
    assert UNKNOWN_PARTS.missing(["sents"]) is None
    assert PipelineParts(factories={"ner": "ner", "x": "my_component"}, labels={}).missing(["sents"]) is None


def test_the_components_of_a_folder(pipeline: Path) -> None:
    assert PipelineParts.of_folder(pipeline) == PipelineParts(
        factories={"sentencizer": "sentencizer", "entity_ruler": "entity_ruler"},
        labels={"sentencizer": [], "entity_ruler": ["MATERIAL", "PROCESS"]},
    )


@pytest.mark.parametrize("metadata", [{}, {"pipeline": None, "labels": []}, {"pipeline": [3], "labels": {"ner": 3}}])
def test_a_function_that_does_not_list_its_components(metadata: dict[str, Any]) -> None:
    assert PipelineParts.of_metadata(metadata) == UNKNOWN_PARTS


def test_the_components_of_a_function() -> None:
    metadata = {"pipeline": ["transformer", "ner"], "labels": {"ner": ["MATERIAL"]}}
    with pytest.raises(CorpusError, match="'TASK'"):
        PipelineParts.of_metadata(metadata).check_labels(["TASK"])


def test_a_run_reports_them_before_it_begins(
    tmp_path: Path, pipeline: Path, engine: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    source, out = write_jsonl(tmp_path / "corpus.jsonl", TEXTS), tmp_path / "out"
    for call in (annotate, estimate_corpus):
        with pytest.raises(CorpusError, match="'METAL'; its labels of entities and spans: 'MATERIAL', 'PROCESS'"):
            call(source, out, pipeline=pipeline, labels=["METAL"])
    with pytest.raises(CorpusError, match="labels is empty"):
        annotate(source, out, pipeline=pipeline, labels=[])
    assert not out.exists()
    warnings: list[str] = []
    annotate(source, out, pipeline=pipeline, on=engine, include=["ents", "cats"], on_warning=warnings.append)
    assert len(warnings) == 1
    assert caplog.messages == []
    annotate(source, out, pipeline=pipeline, on=engine, include=["ents", "cats"])
    assert caplog.messages == warnings
