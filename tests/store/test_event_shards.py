"""Shards of a corpus in S3, annotated by the function: the same bytes as on this machine, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import spacy

from spacy_lambda.core.annotation import AnnotateOptions, Counts, Document, document_lines
from spacy_lambda.corpus.annotator import Annotator
from spacy_lambda.errors import NotStoredError, OutputError, RequestError
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.events.s3_objects import ObjectLimits
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.telemetry.observation import Observation

SHA256 = "5f" * 32
FOLDER = "s3://models/annotate"
TEXTS = ["iron and tin", "", "nothing", None, "Äöü iron 🧪", 3]


@pytest.fixture(scope="module")
def function() -> Predictor:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": word} for word in ("iron", "tin")])  # type: ignore[attr-defined]
    return Predictor(nlp, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048"}, SHA256)


def shard(texts: list[Any]) -> bytes:
    documents = (Document(f"a:{n}", text, "a", n, {"n": n}) for n, text in enumerate(texts, start=1))
    return b"".join(document_lines(documents))


def event(**changes: Any) -> dict[str, Any]:
    values = {
        "name": "a-00000",
        "input": f"{FOLDER}/in.jsonl",
        "output": f"{FOLDER}/out.jsonl",
        "errors": f"{FOLDER}/errors.jsonl",
        "record": f"{FOLDER}/record.json",
        "options": AnnotateOptions(include=("ents", "sents")).to_dict(),
    }
    return {"shard": {**values, **changes}}


def written(s3: Any) -> dict[str, bytes]:
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="models", Prefix="annotate/").get("Contents", ())]
    found = {key: s3.get_object(Bucket="models", Key=key)["Body"].read() for key in keys}
    return {key.removeprefix("annotate/"): body for key, body in found.items() if not key.endswith("in.jsonl")}


def put(s3: Any, content: bytes) -> None:
    s3.put_object(Bucket="models", Key="annotate/in.jsonl", Body=content)


def test_the_same_bytes_as_on_this_machine(s3: Any, function: Predictor, tmp_path: Path) -> None:
    put(s3, shard(TEXTS))
    answer = dispatch(event(), None, function)
    function.nlp.to_disk(tmp_path / "pipeline")
    local = Annotator.of(tmp_path / "pipeline", AnnotateOptions(include=("ents", "sents")))
    expected = local.annotate_shard("a-00000", shard(TEXTS))
    found = written(s3)
    assert found["out.jsonl"] == expected.lines
    assert found["errors.jsonl"] == expected.errors
    assert json.loads(found["record.json"]) == answer
    assert Counts.from_dict(answer["counts"]) == expected.counts
    assert answer["counts"]["errors"] == 2


def test_the_figures_of_a_shard(s3: Any, function: Predictor) -> None:
    put(s3, shard(["iron"]))
    cold = replace(function, observation=Observation(init_ms=2000.0))
    answer = dispatch(event(), None, cold)
    assert cold.observation.source == "shard"
    assert answer["billed_ms"] > 2000
    assert answer.pop("billed_ms") >= 1000 * answer.pop("seconds")
    assert answer == {
        "shard": "a-00000",
        "pipeline": SHA256,
        "sha256": hashlib.sha256(shard(["iron"])).hexdigest(),
        "counts": Counts(documents=1, words=1, characters=4, entities=answer["counts"]["entities"]).to_dict(),
        "bytes": len(written(s3)["out.jsonl"]),
        "error_bytes": 0,
        "memory_mb": 2048,
    }
    assert sorted(written(s3)) == ["out.jsonl", "record.json"]


def test_the_record_names_the_execution_and_its_attempts(s3: Any, function: Predictor) -> None:
    put(s3, shard(["iron"]))
    attempt = {"retries": 2, "execution": "arn:aws:states:eu-central-1:123456789012:execution:ner/shards:1"}
    answer = dispatch({**event(), **attempt}, None, function)
    assert {key: json.loads(written(s3)["record.json"])[key] for key in attempt} == attempt
    assert {key: answer[key] for key in attempt} == attempt


def test_a_document_over_the_functions_limit_has_an_error(s3: Any) -> None:
    nlp = spacy.blank("en")
    put(s3, shard(["short", "x y " * 50, "short"]))
    answer = dispatch(event(), None, Predictor(nlp, {"SPACY_LAMBDA_MAX_TEXT": "100"}))
    (error,) = map(json.loads, written(s3)["errors.jsonl"].splitlines())
    assert (answer["counts"]["documents"], answer["counts"]["errors"]) == (3, 1)
    assert (error["id"], error["error"]["errorType"]) == ("a:2", "RequestError")


def test_a_shard_that_takes_too_long_writes_nothing(s3: Any, function: Predictor) -> None:
    put(s3, shard(["iron and tin " * 300] * 20))
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 40)
    with pytest.raises(RequestError, match="the shard cannot be annotated within the function's timeout") as info:
        dispatch(event(), context, Predictor(function.nlp, {"SPACY_LAMBDA_MAX_TEXT": "10000"}))
    assert info.value.remedy == "raise the function's timeout or memory, or make smaller shards"
    assert written(s3) == {}


def test_documents_that_are_missing(s3: Any, function: Predictor) -> None:
    with pytest.raises(NotStoredError, match=r"s3://models/annotate/in\.jsonl does not exist"):
        dispatch(event(), None, function)


def test_results_that_cannot_be_written(s3: Any, function: Predictor) -> None:
    put(s3, shard(["iron"]))
    with pytest.raises(OutputError, match="does not exist"):
        dispatch(event(output="s3://absent/out.jsonl"), None, function)
    assert written(s3) == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, '"shard.name" must be a string'),
        ({"input": "https://example.org/in"}, '"shard.input" must be an object in S3'),
        ({"record": "s3://models"}, '"shard.record" must be an object in S3'),
        ({"other": 1}, 'unknown key "shard.other"'),
        ({"options": None}, '"shard.options" are incomplete'),
        ({"options": {**AnnotateOptions().to_dict(), "include": ["nonsense"]}}, "nonsense"),
        ({"pipeline": "0a" * 32}, f"the function's pipeline is {SHA256}, not 0a"),
    ],
)
def test_an_invalid_event(function: Predictor, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        dispatch(event(**changes), None, function)


def test_the_pipeline_that_is_expected(s3: Any, function: Predictor) -> None:
    put(s3, shard(["iron"]))
    assert dispatch(event(pipeline=SHA256), None, function)["counts"]["documents"] == 1


def test_a_line_that_is_too_long(s3: Any, function: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_lambda.runtime.events.shard.DEFAULT_LIMITS", ObjectLimits(line=1 << 20))
    put(s3, shard(["iron", "x" * (2 << 20)]))
    with pytest.raises(RequestError, match="line 2 of the shard has more than 1 MiB"):
        dispatch(event(), None, function)


def test_a_request_with_a_shard_beside_it_is_not_one() -> None:
    with pytest.raises(RequestError, match="unrecognized event with 'shard'"):
        dispatch({"text": "iron", "shard": "a"}, None, Predictor(spacy.blank("en"), {}))
