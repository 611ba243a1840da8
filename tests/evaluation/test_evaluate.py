"""Evaluations of pipelines of rules on small corpora: scores, errors, comparison, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Corpus

from spacy_lambda import CorpusError, evaluate
from spacy_lambda.evaluation import Evaluation
from tests.cli.in_process import run_main
from tests.evaluation.corpora import ENTITIES, RULES, SPANS, TEXTS, write_corpus, write_rules


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluation")
    write_rules(path / "rules")
    write_rules(path / "fewer", {"iron": "MATERIAL"}, name="fewer")
    write_corpus(path / "dev.spacy")
    return path


@pytest.fixture(scope="module")
def compared(folder: Path) -> Evaluation:
    return evaluate(folder / "rules", folder / "dev.spacy", compare=folder / "fewer")


def test_scores_are_those_of_spacy(folder: Path, compared: Evaluation) -> None:
    nlp = spacy.load(folder / "rules")
    expected = nlp.evaluate(Corpus(folder / "dev.spacy")(nlp))
    found = compared.to_dict()
    assert {key: found[key] for key in expected if key.startswith("ents")} == {
        key: value for key, value in expected.items() if key.startswith("ents")
    }
    assert found["ents_f"] == pytest.approx(found["schemes"]["strict"]["f"])
    assert found["speed"] > 0


def test_errors_by_kind(compared: Evaluation) -> None:
    found = compared.to_dict()
    assert found["errors"]["counts"] == {"label": 1, "bounds": 2, "both": 0, "missed": 0, "spurious": 1}
    assert found["errors"]["items"][0] == {
        "document": 1,
        "kind": "bounds",
        "gold": {"start": 0, "end": 10, "label": "MATERIAL", "text": "iron oxide"},
        "predicted": {"start": 0, "end": 4, "label": "MATERIAL", "text": "iron"},
    }
    assert found["confusion"] == {
        "labels": ("MATERIAL", "PROCESS", "TASK", None),
        "counts": ((4, 0, 0, 0), (0, 1, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0)),
    }
    assert found["errors"]["labels"]["TASK"]["label"] == 1


def test_intervals_enclose_the_scores_and_are_the_same_for_the_same_seed(folder: Path, compared: Evaluation) -> None:
    scores = [(one.f, one.interval) for one in compared.schemes.values()]
    frequent = {label: one for label, one in compared.labels.items() if one.interval is not None}
    assert frequent.keys() == {"MATERIAL", "PROCESS"}  # TASK is in one document
    for f, interval in [*scores, *((one.f, one.interval) for one in frequent.values())]:
        assert interval is not None
        assert 0 <= interval[0] <= f <= interval[1] <= 1
    again = evaluate(folder / "rules", folder / "dev.spacy")
    assert again.schemes == compared.schemes


def test_comparison(compared: Evaluation) -> None:
    found = compared.comparison
    assert found is not None
    strict = found.schemes["strict"]
    assert strict.f - strict.other == pytest.approx(strict.difference)
    assert strict.interval is not None
    assert strict.p_value is not None
    assert strict.interval[0] <= strict.difference <= strict.interval[1]
    assert [one.document for one in found.differing] == [0, 1, 2]
    assert [one.text for one in found.other.results] == list(TEXTS)
    assert {one.document: len(one.gained) for one in found.differing} == {0: 1, 1: 1, 2: 0}
    assert (found.fewer_errors, found.more_errors) == (2, 1)
    assert json.loads(json.dumps(found.to_dict()))["other"]["name"] == "xx_fewer 0.0.0"


def test_a_pipeline_compared_with_itself_does_not_differ(folder: Path) -> None:
    found = evaluate(folder / "rules", folder / "dev.spacy", compare=folder / "rules").comparison
    assert found is not None
    assert found.differing == ()
    assert found.schemes["strict"].interval == (0, 0)
    assert found.schemes["strict"].p_value == 1


def test_one_document_has_no_intervals(folder: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "one.spacy", TEXTS[:1], ENTITIES[:1])
    found = evaluate(folder / "rules", corpus, compare=folder / "fewer")
    assert found.schemes["strict"].interval is None
    assert found.comparison is not None
    assert found.comparison.schemes["strict"].p_value is None


def test_spans_of_a_key_are_found_without_entities(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    scorer = {"@scorers": "spacy.overlapping_labeled_spans_scorer.v1", "spans_key": SPANS}
    ruler: Any = nlp.add_pipe("span_ruler", config={"spans_key": SPANS, "scorer": scorer})
    ruler.add_patterns([{"label": "A", "pattern": "iron oxide"}, {"label": "A", "pattern": "iron"}])
    nlp.to_disk(tmp_path / "spans")
    places = ((0, 10, "A"), (5, 10, "A"))
    corpus = write_corpus(tmp_path / "dev.spacy", TEXTS[1:2], (places,), key=SPANS)
    found = evaluate(tmp_path / "spans", corpus)
    assert found.annotation == "spans[sc]"
    assert found.error_counts == {"label": 0, "bounds": 0, "both": 0, "missed": 1, "spurious": 1}
    expected = nlp.evaluate(Corpus(corpus)(nlp))
    assert found.to_dict()["spans_sc_f"] == pytest.approx(expected["spans_sc_f"])
    with pytest.raises(CorpusError, match="no document has spans of the key 'other'") as caught:
        evaluate(tmp_path / "spans", corpus, spans_key="other")
    assert caught.value.remedy == "choose from sc"


def write_textcat(folder: Path) -> Language:
    nlp = spacy.blank("xx")
    textcat: Any = nlp.add_pipe("textcat")
    for label in ("GOOD", "BAD"):
        textcat.add_label(label)
    nlp.initialize()
    nlp.to_disk(folder)
    return nlp


def test_categories_have_the_scores_of_spacy(tmp_path: Path) -> None:
    nlp = write_textcat(tmp_path / "cats")
    corpus = write_corpus(tmp_path / "dev.spacy", ["Iron.", "Glass."], [(), ()], cats={"GOOD": 1.0, "BAD": 0.0})
    found = evaluate(tmp_path / "cats", corpus).to_dict()
    expected = nlp.evaluate(Corpus(corpus)(nlp))
    assert found["cats_score"] == pytest.approx(expected["cats_score"])
    assert found["schemes"] == {}


def test_other_formats_are_refused_with_the_command_that_converts_them(folder: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "dev set.conll"
    corpus.write_text("iron B-MATERIAL\n")
    with pytest.raises(CorpusError, match=r"dev set\.conll is not a \.spacy file") as caught:
        evaluate(folder / "rules", corpus)
    assert caught.value.remedy == f"convert it: spacy-lambda convert '{corpus}' '{tmp_path / 'dev set.spacy'}'"
    with pytest.raises(CorpusError, match=r"has no \.spacy file"):
        evaluate(folder / "rules", tmp_path)
    with pytest.raises(CorpusError, match="does not exist"):
        evaluate(folder / "rules", tmp_path / "none.spacy")


def test_corpora_without_anything_to_evaluate_are_refused(folder: Path, tmp_path: Path) -> None:
    broken, empty, other = (tmp_path / f"{name}.spacy" for name in ("broken", "empty", "other"))
    broken.write_bytes(b"not a DocBin")
    DocBin().to_disk(empty)
    DocBin(docs=[spacy.blank("xx")("Unannotated.")]).to_disk(other)
    for path, message in ((broken, "cannot be read as a DocBin"), (empty, "has no documents"), (other, "has no anno")):
        with pytest.raises(CorpusError, match=message):
            evaluate(folder / "rules", path)


def test_a_failing_component_is_reported_with_the_document(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(doc: Doc) -> Doc:
        if "vessel" in doc.text:
            raise ValueError("no vessels")
        return doc

    monkeypatch.setattr("spacy.pipeline.EntityRuler.__call__", lambda self, doc: fail(doc))
    with pytest.raises(
        CorpusError, match=r"fails on document 2 of the corpus, 'a glass <b>vessel.*ValueError: no vess"
    ):
        evaluate(folder / "rules", folder / "dev.spacy")


def test_the_command_prints_tables_and_writes_a_report_once(folder: Path, tmp_path: Path) -> None:
    words = ("evaluate", str(folder / "rules"), str(folder / "dev.spacy"), "--html", str(tmp_path / "report.html"))
    done = run_main(*words, "--compare", str(folder / "fewer"))
    assert done.returncode == 0, done.stderr
    assert "strict: bounds and label\t0.4286\t0.5000\t0.4615\t" in done.stdout
    assert "wrong bounds\t2\tiron oxide MATERIAL\tiron MATERIAL\tdocument 1" in done.stdout
    assert "compared with xx_fewer 0.0.0" in done.stdout
    assert done.stdout.endswith(f"report: {tmp_path / 'report.html'}\n")
    again = run_main(*words)
    assert again.returncode == 1
    assert "exists\nremedy: choose another file, or replace it with --force" in again.stderr
    assert run_main(*words, "--force").returncode == 0


def test_json_has_everything(folder: Path) -> None:
    done = run_main("evaluate", str(folder / "rules"), str(folder / "dev.spacy"), "--json")
    found = json.loads(done.stdout)
    assert set(found) >= {
        "annotated_documents",
        "annotation",
        "comparison",
        "confusion",
        "corpus",
        "documents",
        "ents_f",
        "ents_p",
        "ents_per_type",
        "ents_r",
        "errors",
        "labels",
        "name",
        "pipeline",
        "schemes",
        "speed",
    }
    assert found["labels"]["MATERIAL"].keys() == {
        "p",
        "r",
        "f",
        "interval",
        "support",
        "predicted",
        "correct",
        "predictable",
    }
    assert set(RULES.values()) < found["labels"].keys()


def test_a_corpus_without_entities_counts_what_is_found_there(folder: Path, tmp_path: Path) -> None:
    found = evaluate(folder / "rules", write_corpus(tmp_path / "some.spacy", ("iron", "nothing"), ((), ())))
    assert {label: (one.support, one.predicted) for label, one in found.labels.items()} == {"MATERIAL": (0, 1)}


def test_a_corpus_without_entities_in_which_none_are_found(folder: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "none.spacy", ("nothing in here", "nothing there"), ((), ()))
    found = run_main("evaluate", str(folder / "rules"), str(corpus), "--html", str(tmp_path / "report.html"))
    assert found.returncode == 0, found.stderr
    assert "0 spans annotated (ents)\nnone predicted either\n" in found.stdout
    assert evaluate(folder / "rules", corpus).to_dict()["errors"]["items"] == []


def test_the_report_replaces_nothing_that_is_evaluated(folder: Path) -> None:
    corpus = folder / "dev.spacy"
    before = corpus.read_bytes()
    for html in (corpus, folder / "rules" / "meta.json"):
        done = run_main("evaluate", str(folder / "rules"), str(corpus), "--html", str(html), "--force")
        assert (done.returncode, "which is read" in done.stderr) == (1, True)
    assert corpus.read_bytes() == before


def write_docs(path: Path, *docs: Doc) -> Path:
    DocBin(docs=docs).to_disk(path)
    return path


def test_documents_without_a_text_count_in_the_numbers(folder: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(text) for text in ("", "iron", "", "unknown", "some iron")]
    for doc in (docs[0], docs[1], docs[2], docs[4]):
        doc.set_ents([])
    path = write_docs(tmp_path / "dev.spacy", *docs)
    found = evaluate(folder / "rules", path, compare=folder / "fewer")
    assert (found.documents, [one.document for one in found.results]) == (5, [1, 4])
    assert [item["document"] for item in found.to_dict()["errors"]["items"]] == [1, 4]
    assert 'id="document-4"' in found.to_html()
    done = run_main("evaluate", str(folder / "rules"), str(path))
    assert "5 documents, 0 spans annotated" in done.stdout
    assert "2 of them are annotated; the others have no text or no annotation" in done.stdout
    assert "\tdocument 1\n" in done.stdout


def test_a_failing_document_has_its_number_in_the_corpus(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(doc: Doc) -> Doc:
        raise ValueError(doc.text)

    nlp = spacy.blank("xx")
    path = write_docs(tmp_path / "dev.spacy", nlp.make_doc(""), nlp.make_doc("iron"))
    monkeypatch.setattr("spacy.pipeline.EntityRuler.__call__", lambda self, doc: fail(doc))
    with pytest.raises(CorpusError, match="document 1 of the corpus, 'iron'"):
        evaluate(folder / "rules", path)


def test_an_unknown_label_is_not_a_score_of_zero(folder: Path, tmp_path: Path) -> None:
    words = ("evaluate", str(folder / "rules"), str(folder / "dev.spacy"))
    done = run_main(*words, "--compare", str(folder / "fewer"), "--html", str(tmp_path / "report.html"))
    assert "TASK\tnot predicted\t\t\t\t1\t0\n" in done.stdout
    assert (
        "labels that the pipeline does not have: TASK; in the scores of all spans, 1 annotated span is an error\n"
        in done.stdout
    )
    assert "PROCESS\t0.000\tnot predicted\t\t\t\n" in done.stdout
    assert "<td>TASK</td><td>not predicted</td><td></td>" in (tmp_path / "report.html").read_text()
    found = json.loads(run_main(*words, "--json").stdout)
    assert found["not_predicted"] == ["TASK"]
    assert [found["labels"][label]["predictable"] for label in ("MATERIAL", "PROCESS", "TASK")] == [True, True, False]


def test_spans_that_no_component_sets_have_no_scores(folder: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    doc = nlp.make_doc("iron oxide")
    doc.spans[SPANS] = [doc[0:1]]
    path = write_docs(tmp_path / "dev.spacy", doc)
    with pytest.raises(CorpusError, match="has no annotations that") as caught:
        evaluate(folder / "rules", path)
    assert "--spans-key" in caught.value.remedy
    with pytest.raises(CorpusError, match=r"no component of .*rules sets doc.spans\['sc'\], which is evaluated"):
        evaluate(folder / "rules", path, spans_key=SPANS)


def test_a_pipeline_that_scores_something_else_is_evaluated_without_spans(tmp_path: Path) -> None:
    nlp = write_textcat(tmp_path / "cats")
    doc = nlp.make_doc("iron oxide")
    doc.set_ents([Span(doc, 0, 1, "MATERIAL")])
    doc.cats = {"GOOD": 1.0, "BAD": 0.0}
    path = write_docs(tmp_path / "dev.spacy", doc)
    done = run_main("evaluate", str(tmp_path / "cats"), str(path), "--html", str(tmp_path / "report.html"))
    assert "1 document, 1 span annotated (ents)" in done.stdout
    assert "ents: not predicted; no component of the pipeline sets them" in done.stdout
    assert "cats_score" in done.stdout
    assert "No errors" not in (tmp_path / "report.html").read_text()
    found = evaluate(tmp_path / "cats", path)
    assert (found.is_predicted, found.schemes, "ents_f" in found.to_dict()) == (False, {}, False)


def test_hidden_files_of_a_folder_are_counted_and_not_read(folder: Path, tmp_path: Path) -> None:
    for name in ("dev.spacy", ".h.spacy", ".old/dev.spacy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((folder / "dev.spacy").read_bytes())
    done = run_main("evaluate", str(folder / "rules"), str(tmp_path))
    assert f"2 hidden files of {tmp_path} left out" in done.stdout
    assert evaluate(folder / "rules", tmp_path).documents == len(TEXTS)
