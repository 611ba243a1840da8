"""Worker processes that end: by a document, at their start, with a child that holds their pipes, with their parent."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.core import annotation
from spacy_lambda.core.annotation import AnnotateOptions, Counts, Document
from spacy_lambda.core.artifact.integrity import folder_digest
from spacy_lambda.core.artifact.pack import manifest_of
from spacy_lambda.corpus.engines import isolation, worker_process
from spacy_lambda.corpus.engines.local import LocalEngine
from spacy_lambda.corpus.engines.pipeline_snapshot import PipelineSnapshot
from spacy_lambda.corpus.engines.protocol import ShardResult
from spacy_lambda.corpus.shards import Shard, make_shard
from spacy_lambda.errors import CorpusError
from tests.corpus.waiting import wait_for

BATCH = 4
"""Documents of a batch in these tests."""

COMMAND = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "COMMAND", COMMAND)
    monkeypatch.setattr(annotation, "BATCH_DOCUMENTS", BATCH)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def shard(*texts: str, name: str = "a-00000") -> Shard:
    return make_shard(name, [Document(number, text, "a", number) for number, text in enumerate(texts, start=1)])


def run(folder: Path, *shards: Shard, workers: int = 1) -> tuple[dict[str, ShardResult], Counts]:
    """Annotate shards; return the results by name, and the counts that were reported meanwhile."""
    reported = Counts()
    engine = LocalEngine(folder, AnnotateOptions(), workers=workers)
    results = {result.name: result for result in engine.run(iter(shards), reported.add)}
    return results, reported


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("exit 3", "with exit status 3"),
        pytest.param("exit 0", "with exit status 0", marks=pytest.mark.slow),
        pytest.param("signal SIGSEGV", "by signal 11 (SIGSEGV)", marks=pytest.mark.slow),
        ("signal SIGKILL", "by signal 9 (SIGKILL)"),
    ],
)
def test_only_the_document_that_ends_a_process_fails(tmp_path: Path, text: str, reason: str) -> None:
    texts = [f"text {number}" for number in range(3 * BATCH)]
    undisturbed, _ = run(tmp_path, shard(*texts))
    texts[BATCH + 1] = text
    results, reported = run(tmp_path, shard(*texts), shard("next", name="b-00000"))
    (error,) = lines(results["a-00000"].errors)
    assert error["number"] == BATCH + 2
    assert error["error"]["errorMessage"] == f"the worker process ended {reason} while annotating this document"
    kept = [line for line in undisturbed["a-00000"].lines.splitlines() if b"text 5" not in line]
    assert results["a-00000"].lines.splitlines() == kept
    assert lines(results["b-00000"].lines)[0]["text"] == "next"
    assert (reported.documents, reported.errors) == (3 * BATCH + 1, 1)


@pytest.mark.slow
def test_several_documents_of_a_shard_fail(tmp_path: Path) -> None:
    results, _ = run(tmp_path, shard("exit 1", "a", "signal SIGABRT", "exit 2", "b"), workers=2)
    result = results["a-00000"]
    assert [error["number"] for error in lines(result.errors)] == [1, 3, 4]
    assert [line["text"] for line in lines(result.lines)] == ["a", "b"]
    assert (result.counts.documents, result.counts.errors) == (5, 3)


def test_a_process_that_ends_for_another_reason_costs_no_document(tmp_path: Path) -> None:
    results, reported = run(tmp_path, shard("a", "once", "b"))
    assert [line["batch"] for line in lines(results["a-00000"].lines)] == [3, 3, 3]
    assert (results["a-00000"].errors, reported.documents) == (b"", 3)


def test_documents_that_are_too_much_together_are_annotated_alone(tmp_path: Path) -> None:
    long = ["x" * 60, "y" * 60]
    results, reported = run(tmp_path, shard(*"abcd", *long))
    assert [line["batch"] for line in lines(results["a-00000"].lines)] == [4, 4, 4, 4, 1, 1]
    assert (results["a-00000"].counts.documents, reported.documents) == (6, 6)


def test_workers_share_the_last_shard(tmp_path: Path) -> None:
    texts = ["meet 1", *"abc", "meet 2", *"def"]  # one text of each batch ends when the other one is annotated, too
    results, reported = run(tmp_path, shard(*texts), workers=2)
    assert [line["text"] for line in lines(results["a-00000"].lines)] == texts
    assert (len(results), reported.documents) == (1, 8)


def test_an_error_of_the_corpus_ends_the_run(tmp_path: Path) -> None:
    def shards() -> Iterator[Shard]:
        yield shard("a")
        raise CorpusError("b.jsonl cannot be read", remedy="")

    with pytest.raises(CorpusError, match=r"b\.jsonl cannot be read"):
        list(LocalEngine(tmp_path, AnnotateOptions(), workers=2).run(shards(), lambda counts: None))


@pytest.mark.slow
def test_processes_that_end_on_every_document_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "MAX_ENDINGS", 5)
    with pytest.raises(CorpusError, match=r"^5 worker processes ended one after the other .* exit status 1"):
        run(tmp_path, shard(*["exit 1"] * 50))


def test_a_process_that_ends_at_its_start_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "does-not-load").touch()
    with pytest.raises(CorpusError, match="ended with exit status 7 while loading the pipeline"):
        run(tmp_path, shard("a"))


def test_a_pipeline_that_is_changed_during_a_run_ends_it(tmp_path: Path, pipeline: Path) -> None:
    folder = tmp_path / "pipeline"
    shutil.copytree(pipeline, folder)
    snapshot = PipelineSnapshot.of(folder)
    engine = LocalEngine(folder, AnnotateOptions(), workers=1, check_pipeline=snapshot.check)
    found = engine.run(iter([shard("a"), shard("once", name="b-00000"), shard("c")]), lambda counts: None)
    assert next(found).counts.documents == 1
    patterns = folder / "entity_ruler" / "patterns.jsonl"
    patterns.write_text(patterns.read_text(encoding="utf-8").replace("PROCESS", "PERSONS"), encoding="utf-8")
    with pytest.raises(CorpusError, match="has changed since the run began"):
        list(found)


def test_only_a_different_pipeline_is_a_change(tmp_path: Path, pipeline: Path) -> None:
    folder = tmp_path / "pipeline"
    shutil.copytree(pipeline, folder)
    snapshot = PipelineSnapshot.of(folder)
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(folder)
    with pytest.raises(CorpusError, match="has changed"):
        snapshot.check()
    (tmp_path / "copy").rename(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "code.pyc").write_bytes(b"")
    snapshot.check()
    assert PipelineSnapshot.of(folder).digest == snapshot.digest == folder_digest(pipeline, manifest_of(pipeline))


@pytest.mark.slow
def test_a_child_that_holds_the_pipes_does_not_hold_the_run(tmp_path: Path) -> None:
    results, _ = run(tmp_path, shard("fork", "exit 5", "a" * 40_000))
    assert [error["number"] for error in lines(results["a-00000"].errors)] == [2]
    children = [int(path.name.partition("-")[2]) for path in tmp_path.glob("child-*")]
    assert children
    wait_for(lambda: not any(map(is_alive, children)))


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that annotates a text which never ends."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from spacy_lambda.corpus.engines import worker_process\n"
        "from tests.corpus.test_workers import COMMAND, run, shard\n"
        "worker_process.COMMAND = COMMAND\n"
        "run(Path(sys.argv[1]), shard('wait'))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) as process:
        yield process
        process.kill()


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path, parent: subprocess.Popen[bytes]) -> None:
    waiting = tmp_path / "waiting"
    wait_for(lambda: waiting.exists() and waiting.read_text(encoding="ascii") != "")
    worker = int(waiting.read_text(encoding="ascii"))
    assert is_alive(worker)
    parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_alive(worker))


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
