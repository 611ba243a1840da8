"""A corpus on Lambda: every document once, whatever fails or stops meanwhile, and the account of what it cost."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.cdk.prices import usd
from spacy_lambda.corpus import Progress, annotate, estimate_corpus
from spacy_lambda.corpus.engines import aws_lambda
from spacy_lambda.corpus.engines.deployed import find_deployed
from spacy_lambda.errors import CorpusError
from spacy_lambda.runtime.predictor import Predictor
from tests.corpus.cloud import BUCKET, CONFIG, MEMORY_MB, Function, client, definition, deployed, keys
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, content, write_jsonl

__all__ = ["definition"]

pytestmark = pytest.mark.slow

SHARDS = 60


@pytest.fixture
def function(pipeline: Path, definition: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    monkeypatch.setattr(aws_lambda, "POLL_S", 0.05)
    with deployed(monkeypatch, pipeline, definition) as function:
        yield function


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "spacy-lambda.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def shards_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((folder / "_annotate" / "shards").rglob("*.json"))]


def test_the_same_bytes_as_on_this_machine(
    tmp_path: Path, pipeline: Path, engine: InProcess, function: Function, config: Path
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None] * 20)
    seen: list[Progress] = []
    here = annotate(source, tmp_path / "here", pipeline=pipeline, on=engine, shard_bytes=2500)
    there = annotate(
        source, tmp_path / "there", function="ner", config=config, shard_bytes=2500, on_progress=seen.append
    )
    assert content(tmp_path / "there") == content(tmp_path / "here")
    assert (there.counts, there.shards) == (here.counts, here.shards)
    assert sorted(function.invocations) == sorted(engine.names)
    assert keys() == []
    assert seen[-1].documents == 120
    assert seen[-1].states is not None
    assert there.cost is not None
    assert seen[-1].cost is not None


def test_many_shards_of_which_three_are_redriven(
    tmp_path: Path, pipeline: Path, engine: InProcess, function: Function, config: Path
) -> None:
    source = tmp_path / "corpus"
    for number in range(SHARDS):
        write_jsonl(source / f"{number:03}.jsonl", TEXTS)
    annotate(source, tmp_path / "here", pipeline=pipeline, on=engine)
    assert len(engine.names) == SHARDS
    function.failing = {engine.names[number] for number in (0, 27, SHARDS - 1)}
    there = tmp_path / "there"
    with pytest.raises(CorpusError, match=r"arn:aws:states:.* did not annotate 3 shards") as info:
        annotate(source, there, function="ner", config=config)
    assert info.value.remedy == "make smaller shards; the same command resumes: it redrives those shards"
    assert len(shards_of(there)) == SHARDS - 3
    function.failing = set()
    summary = annotate(source, there, function="ner", config=config)
    assert content(there) == content(tmp_path / "here")
    assert sorted(function.invocations) == sorted([*engine.names, *(engine.names[n] for n in (0, 27, SHARDS - 1))])
    assert summary.resumed == summary.counts.documents - sum(
        shard["counts"]["documents"] for shard in shards_of(there) if shard["name"] in function.invocations[SHARDS:]
    )
    billed = sum(shard["billed_ms"] for shard in shards_of(there))
    assert billed == pytest.approx(sum(function.reported_ms) + sum(function.failed_ms), rel=0.05)
    assert billed == pytest.approx(sum(function.billed_ms), rel=0.3)
    expected = billed / 1000 * MEMORY_MB / 1024 * usd("gb_second_x86_64") + (SHARDS + 3) * (0.2 + 4 * 25) / 1e6
    assert summary.cost == pytest.approx(expected)
    assert keys() == []


def test_the_account_has_the_attempts_that_failed(
    tmp_path: Path, pipeline: Path, engine: InProcess, function: Function, config: Path
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 8)
    annotate(source, tmp_path / "here", pipeline=pipeline, on=engine, shard_bytes=1000)
    first, second, third = engine.names[:3]
    function.transient, function.failing = {first: 2, second: 1}, {second, third}
    there = tmp_path / "there"
    with pytest.raises(CorpusError, match=r"2 failed at about \$"):
        annotate(source, there, function="ner", config=config, shard_bytes=1000)
    function.failing = set()
    summary = annotate(source, there, function="ner", config=config, shard_bytes=1000)
    assert content(there) == content(tmp_path / "here")
    assert len(function.invocations) == len(engine.names) + 5
    records = {shard["name"]: shard for shard in shards_of(there)}
    in_all = sum(record["billed_ms"] for record in records.values())
    assert in_all - sum(function.reported_ms) == pytest.approx(sum(function.failed_ms), rel=0.05)
    steps = dict.fromkeys(engine.names, 4)
    steps |= {first: 4 + 2, second: 4 + 2 + 3, third: 4 + 1 + 3}
    for name, record in records.items():
        requests = function.invocations.count(name)
        work = record["billed_ms"] / 1000 * MEMORY_MB / 1024 * usd("gb_second_x86_64")
        assert record["cost"] == pytest.approx(work + (0.2 * requests + 25 * steps[name]) / 1e6)
    assert summary.cost == pytest.approx(sum(record["cost"] for record in records.values()))


def test_a_command_that_is_killed_leaves_its_execution_to_the_next(
    tmp_path: Path, pipeline: Path, engine: InProcess, function: Function, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 20)
    annotate(source, tmp_path / "here", pipeline=pipeline, on=engine, shard_bytes=1000)

    def killed(*_: Any) -> Any:
        raise RuntimeError("the machine is gone")

    with monkeypatch.context() as patch:
        patch.setattr(aws_lambda.LambdaEngine, "_follow", killed)
        with pytest.raises(RuntimeError):
            annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=1000)
    wait_for_the_execution()
    assert len(function.invocations) == len(engine.names)
    annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=1000)
    assert content(tmp_path / "there") == content(tmp_path / "here")
    assert len(function.invocations) == len(engine.names)
    assert len(executions()) == 1


def test_ctrl_c_stops_the_execution(tmp_path: Path, function: Function, config: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 40)

    def interrupt(progress: Progress) -> None:
        if progress.documents > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=500, on_progress=interrupt)
    wait_for_the_execution()
    assert [execution["status"] for execution in executions()] == ["ABORTED"]
    summary = annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=500)
    assert summary.counts.documents == 200


def test_a_pipeline_that_is_replaced_meanwhile(tmp_path: Path, function: Function, config: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    before = function.predictor

    def replace_it(progress: Progress) -> None:
        function.predictor = replace(before, sha256="0a" * 32)

    with pytest.raises(CorpusError, match=r"did not annotate 1 shard\b"):
        annotate(source, tmp_path / "there", function="ner", config=config, on_progress=replace_it)
    assert annotate(source, tmp_path / "there", function="ner", config=config).counts.documents == len(TEXTS)


def test_shards_suit_the_function(tmp_path: Path, function: Function, config: Path) -> None:
    deployed = find_deployed("ner", config=config)
    assert deployed.timeout_s == 30
    assert deployed.sha256 == function.predictor.sha256
    assert deployed.shard_bytes == min(4_000_000, int(0.4 * deployed.request_characters))
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    annotate(source, tmp_path / "there", function="ner", config=config)
    settings = json.loads((tmp_path / "there" / "_annotate" / "run.json").read_bytes())
    assert settings["shard_bytes"] == deployed.shard_bytes


def test_a_run_that_began_here_goes_on_there(tmp_path: Path, pipeline: Path, function: Function, config: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 20)
    with pytest.raises(KeyboardInterrupt):
        annotate(source, tmp_path / "out", pipeline=pipeline, on=InProcess(pipeline, fail_after=2), shard_bytes=1000)
    summary = annotate(source, tmp_path / "out", function="ner", config=config)
    assert 0 < summary.resumed < summary.counts.documents == 100
    assert len(function.invocations) == summary.shards - 2


def test_the_estimate_is_that_of_the_function(tmp_path: Path, function: Function, config: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None] * 20)
    found = estimate_corpus(source, function="ner", config=config, shard_bytes=2500)
    (one,) = found.engines
    assert (found.documents, found.sampled, one.invocations) == (120, 50, found.shards)
    assert (one.engine, one.measured_on, one.units) == ("lambda", "papers-ner", min(8, found.shards))
    assert one.cost is not None
    assert one.cost > found.shards * (0.2 + 4 * 25) / 1e6
    assert keys() == []
    summary = annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=2500)
    assert summary.cost is not None
    again = estimate_corpus(source, destination=tmp_path / "there", function="ner", config=config)
    assert (again.documents, again.shards, again.engines) == (0, 0, ())


def test_a_sample_that_the_function_cannot_annotate(tmp_path: Path, function: Function, config: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", ["iron", "glass"])
    own = function.predictor
    function.predictor = Predictor(own.nlp, {**own.environ, "SPACY_LAMBDA_MAX_TEXT": "1"}, own.sha256)
    with pytest.raises(CorpusError, match="none of the 2 documents of the sample could be annotated"):
        estimate_corpus(source, function="ner", config=config)
    assert keys() == []


@pytest.mark.parametrize("damaged", ["results", "records"])
def test_results_that_are_damaged_are_made_again(
    tmp_path: Path, function: Function, config: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 20)
    with monkeypatch.context() as patch:
        patch.setattr(aws_lambda.LambdaEngine, "_follow", lambda *_: iter([]))
        with pytest.raises(CorpusError):
            annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=1000)
        wait_for_the_execution()
    key = next(key for key in keys() if f"/{damaged}/" in key)
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{")
    with pytest.raises(CorpusError, match=r"the results of corpus.jsonl-\d+ in s3://.* are damaged: "):
        annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=1000)
    summary = annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=1000)
    assert (summary.counts.documents, keys()) == (100, [])
    assert len(function.invocations) == summary.shards + 1


def test_an_execution_that_is_stopped_in_the_console(tmp_path: Path, function: Function, config: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS * 40)

    def stop(progress: Progress) -> None:
        states = progress.states
        if states is not None and states.execution is not None and states.done > 1:
            client("stepfunctions").stop_execution(executionArn=states.execution)

    with pytest.raises(CorpusError, match=r"arn:.* \(ABORTED\) did not annotate \d+ shards?"):
        annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=500, on_progress=stop)
    summary = annotate(source, tmp_path / "there", function="ner", config=config, shard_bytes=500)
    assert summary.counts.documents == 200


def test_results_are_not_written_where_objects_expire(tmp_path: Path, function: Function, config: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    for place in ("annotate/", "annotate/ner", "annotate/results/all.jsonl"):
        with pytest.raises(CorpusError, match=f"is below s3://{BUCKET}/annotate/"):
            annotate(source, f"s3://{BUCKET}/{place}", function="ner", config=config)
    assert keys() == []
    annotate(source, f"s3://{BUCKET}/annotated/", function="ner", config=config)


def test_a_bucket_that_does_not_exist(tmp_path: Path, function: Function, config: Path) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    client("s3").delete_bucket(Bucket=BUCKET)
    with pytest.raises(CorpusError, match=f"the bucket {BUCKET} does not exist") as info:
        annotate(source, tmp_path / "there", function="ner", config=config)
    assert "spacy-lambda deploy" in info.value.remedy


def test_names_with_spaces_and_umlauts(
    tmp_path: Path, pipeline: Path, engine: InProcess, function: Function, config: Path
) -> None:
    source = write_jsonl(tmp_path / "my corpus" / "Größe & 中文 #1.jsonl", TEXTS).parent
    annotate(source, tmp_path / "here", pipeline=pipeline, on=engine)
    annotate(source, tmp_path / "there", function="ner", config=config)
    assert content(tmp_path / "there") == content(tmp_path / "here")


@pytest.mark.parametrize(
    ("changes", "message", "remedy"),
    [
        (("[functions.ner.bulk]\nmax_concurrency = 8", ""), "has no state machine", r"\[functions.ner.bulk\]"),
        (('name = "papers"', 'name = "other"'), "other-ner:live does not exist", "spacy-lambda deploy"),
        (
            ("[functions.ner]", "[functions.two]\npipeline = './two'\n[functions.ner]"),
            "has 2 functions",
            "--function",
        ),
    ],
)
def test_a_function_that_is_not_there(
    function: Function, config: Path, changes: tuple[str, str], message: str, remedy: str
) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace(*changes), encoding="utf-8")
    with pytest.raises(CorpusError, match=message) as info:
        find_deployed(None, config=config)
    assert re.search(remedy, info.value.remedy)


def test_a_state_machine_that_is_not_deployed(tmp_path: Path, function: Function, config: Path) -> None:
    machine = client("stepfunctions").list_state_machines()["stateMachines"][0]["stateMachineArn"]
    client("stepfunctions").delete_state_machine(stateMachineArn=machine)
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    with pytest.raises(CorpusError, match="papers-ner-annotate does not exist"):
        annotate(source, tmp_path / "there", function="ner", config=config)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on": "lambda", "pipeline": "compiled"}, "on Lambda, the pipeline is the function's"),
        ({}, "the pipeline is missing"),
        ({"on": "local", "function": "ner"}, "the pipeline is missing"),
    ],
)
def test_an_engine_without_what_it_needs(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", TEXTS)
    with pytest.raises(CorpusError, match=message):
        annotate(source, tmp_path / "there", **options)


def executions() -> list[dict[str, Any]]:
    states = client("stepfunctions")
    machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    found: list[dict[str, Any]] = states.list_executions(stateMachineArn=machine)["executions"]
    return found


def wait_for_the_execution() -> None:
    while executions()[0]["status"] == "RUNNING":
        time.sleep(0.05)
