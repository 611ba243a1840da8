"""Latency: whose texts it is measured on, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_lambda.deploy import latency
from spacy_lambda.deploy.golden_tests import open_predictor, read_requests
from spacy_lambda.deploy.latency import event_line_bytes, golden_texts, measure_latency
from spacy_lambda.sizing.texts import Texts


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("pipeline")
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "MATERIAL", "pattern": "silicon"}])  # type: ignore[attr-defined]
    nlp.to_disk(folder / "compiled")
    return open_predictor(folder / "compiled")


def test_texts_of_golden_tests(predictor: Any) -> None:
    requests = [one.request for one in read_requests(None)]
    built_in = golden_texts(None, requests, predictor)
    assert (built_in.source, len(built_in.texts)) == ("the default golden tests", 6)
    own = golden_texts(Path("some/golden.jsonl"), [{"texts": ["iron", ""]}, {"text": "zinc"}], predictor)
    assert own == Texts("the golden tests in golden.jsonl", ("iron", "zinc"))


def test_one_slow_run_does_not_change_the_result(predictor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: Iterator[float] = iter([9.0, *[0.1, 0.3], *[5.0, 0.3], *[0.1, 0.3], *[0.1, 0.3], *[0.1, 7.0]])
    monkeypatch.setattr(latency, "_timed", lambda predictor, text: next(seconds))
    monkeypatch.setattr("os.getloadavg", lambda: (3.5, 0.0, 0.0))
    found = measure_latency(predictor, Texts("texts.jsonl", ("iron", "zinc oxide")))
    assert found.ms == pytest.approx(200)
    assert (found.source, found.texts, found.characters, found.runs) == ("texts.jsonl", 2, 7, 5)
    assert found.load == 2.5


def test_slow_texts_are_measured_once(predictor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "BUDGET_S", 0.0)
    assert measure_latency(predictor, Texts("texts.jsonl", ("iron",))).runs == 1


def test_blank_golden_tests_have_a_latency_too(predictor: Any) -> None:
    assert measure_latency(predictor, golden_texts(None, [{"text": ""}], predictor)).ms > 0


def test_the_line_of_an_invocation_grows_with_the_labels(predictor: Any) -> None:
    sizes = [
        event_line_bytes(predictor, project="news", function="news-ner", sha256="5f" * 32, labels=labels)
        for labels in ((), ("ORG", "PERSON"))
    ]
    assert 500 < sizes[0] < sizes[1] < 2000
