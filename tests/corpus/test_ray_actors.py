"""Actors that end, with a stand-in for Ray: the real one takes half a minute to start as many."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spacy_lambda.core.annotation import AnnotateOptions, Counts, Document
from spacy_lambda.corpus.engines import ray as ray_engine
from spacy_lambda.corpus.engines.pipeline_snapshot import PipelineSnapshot
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.corpus.engines.ray import RayEngine
from spacy_lambda.corpus.shards import Shard, make_shard
from spacy_lambda.errors import CorpusError


class RayError(Exception):
    """The root of Ray's errors."""


class RayTaskError(RayError):
    """An actor raised."""


class RayActorError(RayError):
    """An actor's process ended."""


class FakeRay:
    """Runs what actors do when it is fetched; the actor of a text ``end`` has ended."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError, RayActorError=RayActorError)

    def __init__(self) -> None:
        self.started = 0
        self.options: dict[str, Any] = {}

    def is_initialized(self) -> bool:
        return False

    def init(self, address: str | None = None, **options: Any) -> None:
        self.options = options

    def shutdown(self) -> None:
        self.options = {}

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def put(self, value: Any) -> Any:
        return value

    def remote(self, **options: Any) -> Any:
        assert options == {"num_cpus": 1}
        return lambda kind: SimpleNamespace(remote=lambda *arguments: self._start(kind(*arguments)))

    def _start(self, actor: Any) -> Any:
        self.started += 1
        state = SimpleNamespace(ended=False)

        def call(name: str) -> Any:
            def remote(*arguments: Any) -> Any:
                def work() -> Any:
                    state.ended = state.ended or (name == "annotate" and ends(arguments[-1]))
                    if state.ended:
                        raise RayActorError("the actor died")
                    return getattr(actor, name)(*arguments)

                return work

            return SimpleNamespace(remote=remote)

        return SimpleNamespace(ready=call("ready"), annotate=call("annotate"))

    def wait(self, refs: list[Any]) -> tuple[list[Any], list[Any]]:
        return refs[:1], refs[1:]

    def get(self, ref: Any) -> Any:
        return ref()


def ends(lines: bytes) -> bool:
    """Return whether a document ends the actor; one that has an error is not annotated."""
    return any(line["text"] == "end" and not line["error"] for line in map(json.loads, lines.splitlines()))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, pipeline: Path) -> FakeRay:
    found = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", found)
    monkeypatch.setattr(ray_engine, "unpacked", lambda content, digest: pipeline)
    monkeypatch.setattr(RayEngine, "_packed", lambda engine: (b"", ""))
    return found


def shard(name: str, *texts: str) -> Shard:
    return make_shard(name, [Document(number, text, name, number) for number, text in enumerate(texts, start=1)])


def run(pipeline: Path, *shards: Shard, workers: int = 2) -> tuple[dict[str, ShardResult], Counts]:
    reported = Counts()
    engine = RayEngine(pipeline, AnnotateOptions(), workers=workers)
    return {result.name: result for result in engine.run(iter(shards), reported.add)}, reported


def test_only_the_document_that_ends_an_actor_fails(fake: FakeRay, pipeline: Path) -> None:
    shards = [shard("a", "iron", "end", "heat"), shard("b", "iron"), shard("c", "glass"), shard("d", "iron")]
    results, reported = run(pipeline, *shards, workers=1)
    assert sorted(results) == ["a", "b", "c", "d"]
    (error,) = map(json.loads, results["a"].errors.splitlines())
    assert (error["number"], error["error"]["errorType"]) == (2, "WorkerEndedError")
    assert error["error"]["errorMessage"] == "the worker process ended while annotating this document"
    assert [json.loads(line)["text"] for line in results["a"].lines.splitlines()] == ["iron", "heat"]
    assert (reported.documents, reported.errors) == (6, 1)
    assert fake.started == 5


@pytest.mark.slow
def test_actors_that_end_on_every_document_end_the_run(fake: FakeRay, pipeline: Path) -> None:
    with pytest.raises(CorpusError, match="20 worker processes ended one after the other"):
        run(pipeline, shard("a", *["end"] * 50))


def test_ray_is_not_started_for_nothing(fake: FakeRay, pipeline: Path) -> None:
    assert run(pipeline)[0] == {}
    assert fake.started == 0


@pytest.mark.parametrize(
    ("address", "raised", "message", "remedy"),
    [
        (None, Exception("The node timed out.\nSee its logs."), "Ray cannot be started: The node timed out.", "start"),
        ("10.0.0.1:6379", ConnectionError("no node"), "Ray cannot be reached: no node", "--ray-address"),
    ],
)
def test_ray_that_does_not_start(
    fake: FakeRay, pipeline: Path, address: str | None, raised: Exception, message: str, remedy: str
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise raised

    fake.init = fail  # type: ignore[method-assign]
    engine = RayEngine(pipeline, AnnotateOptions(), address=address)
    with pytest.raises(CorpusError) as caught:
        list(engine.run(iter([shard("a", "iron")]), Counts().add))
    assert caught.value.message == message
    assert remedy in caught.value.remedy


def test_a_pipeline_that_has_changed_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pipeline: Path
) -> None:
    folder, fake = tmp_path / "pipeline", FakeRay()
    shutil.copytree(pipeline, folder)
    monkeypatch.setitem(sys.modules, "ray", fake)
    snapshot = PipelineSnapshot.of(folder)
    patterns = folder / "entity_ruler" / "patterns.jsonl"
    patterns.write_text(patterns.read_text(encoding="utf-8").replace("PROCESS", "PERSONS"), encoding="utf-8")
    engine = RayEngine(folder, AnnotateOptions(), workers=1, check_pipeline=snapshot.check)
    with pytest.raises(CorpusError, match="has changed since the run began"):
        list(engine.run(iter([shard("a", "iron")]), lambda counts: None))
    assert fake.started == 0
