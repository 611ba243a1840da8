"""The estimate reads all of a corpus, annotates some of it, and writes nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from spacy_lambda.cdk.prices import usd
from spacy_lambda.cli.progress import duration
from spacy_lambda.core.annotation import AnnotateOptions, Document
from spacy_lambda.corpus import estimate_corpus
from spacy_lambda.corpus.estimate import LambdaSettings, estimate_lambda
from spacy_lambda.corpus.sample import Measured, Reading, read_all
from spacy_lambda.corpus.shards import make_shard
from spacy_lambda.errors import CorpusError
from tests.corpus.engines import InProcess
from tests.corpus.files import write_jsonl


@pytest.mark.slow
def test_the_estimate_counts_all_documents(tmp_path: Path, pipeline: Path) -> None:
    lines = "".join(f'{{"text": "iron and heat {number}"}}\n' for number in range(300)) + "{bad\n"
    (tmp_path / "corpus.jsonl").write_text(lines, encoding="utf-8")
    found = estimate_corpus(tmp_path / "corpus.jsonl", pipeline=pipeline, workers=2, shard_bytes=10_000)
    assert (found.documents, found.unreadable, found.sampled, found.failing) == (301, 1, 50, 0)
    assert found.words_per_document == 4
    local, on_ray, on_lambda = found.engines
    assert (local.engine, local.cost, local.units) == ("local", None, 2)
    assert (on_ray.engine, on_ray.seconds, on_ray.measured_on) == ("ray", local.seconds, "this machine")
    assert on_lambda.invocations == found.shards > 2
    assert on_lambda.cost is not None
    assert on_lambda.cost > 0
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.jsonl"]


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure in this process."""

    def engine(pipeline: Path, options: AnnotateOptions, *, workers: int) -> InProcess:
        return InProcess(pipeline, options)

    monkeypatch.setattr("spacy_lambda.corpus.sample.LocalEngine", engine)


@pytest.mark.usefixtures("in_process")
def test_documents_of_the_sample_that_fail_are_not_measured(tmp_path: Path, pipeline: Path) -> None:
    long = "a" * 1_000_001
    write_jsonl(tmp_path / "corpus.jsonl", ["iron and heat", long, "iron and heat"])
    found = estimate_corpus(tmp_path / "corpus.jsonl", pipeline=pipeline, workers=1)
    assert (found.sampled, found.failing, found.words_per_document) == (2, 1, 3)
    write_jsonl(tmp_path / "corpus.jsonl", [long])
    with pytest.raises(
        CorpusError, match="none of the 1 documents of the sample could be annotated: the text"
    ) as raised:
        estimate_corpus(tmp_path / "corpus.jsonl", pipeline=pipeline, workers=1)
    assert "--long-text split" in raised.value.remedy


@pytest.mark.usefixtures("in_process")
def test_the_output_is_not_part_of_the_corpus(tmp_path: Path, pipeline: Path) -> None:
    write_jsonl(tmp_path / "corpus.jsonl", ["iron"])
    write_jsonl(tmp_path / "out" / "corpus.jsonl-00000.jsonl", ["iron"])
    assert estimate_corpus(tmp_path, tmp_path / "out", pipeline=pipeline, workers=1).documents == 1


def test_a_sample_is_drawn_evenly_and_each_time_the_same() -> None:
    shards = [make_shard(str(n), [Document(i, f"text {i}", "file", i) for i in range(n, n + 100)]) for n in (0, 100)]
    reading = read_all(shards, sample=20)
    assert reading == read_all(shards, sample=20)
    chosen = [int(document.id) for document in reading.sample]
    assert len(set(chosen)) == 20
    assert min(chosen) < 100 <= max(chosen)


def test_a_corpus_without_texts_is_refused(tmp_path: Path, pipeline: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"body": "iron"}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match="none of the 1 documents has a text") as raised:
        estimate_corpus(tmp_path / "corpus.jsonl", pipeline=pipeline)
    assert "--text-column" in raised.value.remedy


def test_shards_that_are_done_are_left_out() -> None:
    shards = [make_shard(str(n), [Document(n, f"text {n}", "file", n)]) for n in range(5)]
    reading = read_all(shards, done={"1", "3"})
    assert (reading.documents, reading.shards) == (3, 3)
    assert {document.id for document in reading.sample} == {0, 2, 4}


ABSTRACTS = Reading(documents=1_000_000, unreadable=0, characters=10**9, shards=5_000, sample=())
"""A million documents of 1,000 characters, in shards of 200 kB."""


def measured_at(documents_per_second: float, overhead_s: float = 0.0) -> Measured:
    seconds = 50 / documents_per_second
    return Measured(place="ner", documents=50, words=9_000, characters=50_000, seconds=seconds, overhead_s=overhead_s)


def test_the_cost_of_a_million_documents_is_that_of_the_prices() -> None:
    settings = LambdaSettings(memory_mb=2048, architecture="x86_64")
    found = estimate_lambda(ABSTRACTS, measured_at(20, overhead_s=0.1), settings)
    seconds = 50_000 + 5_000 * 0.1 + 100 * 2
    assert (found.units, found.invocations) == (100, 5_000)
    assert found.seconds == pytest.approx(seconds / 100)
    assert found.cost == pytest.approx(seconds * 2 * 0.0000166667 + 5_000 * (0.2 + 4 * 25) / 1e6)


def test_the_page_has_the_time_and_the_cost_of_a_million_documents() -> None:
    page = " ".join((Path(__file__).parents[2] / "docs" / "corpus.md").read_text(encoding="utf-8").split())
    (measured,) = re.findall(r"\| ([\d.]+) for each CPU \(measured\)", page)
    (shown,) = re.findall(r"of ([\d,]+) shards, as `timeout = 120`", page)
    shards = int(shown.replace(",", ""))
    found = estimate_lambda(replace(ABSTRACTS, shards=shards), measured_at(float(measured)), LambdaSettings())
    smaller = estimate_lambda(ABSTRACTS, measured_at(float(measured)), LambdaSettings())
    assert found.cost is not None
    assert f"with shards of 200 kB, which are more: ${smaller.cost:.2f}." in page
    steps = shards * (0.2 + 4 * 25) / 1e6
    billed = found.seconds * found.units
    assert (
        f"| {found.documents_per_second:,.0f} (computed) | ${found.cost:.2f} for a million documents (computed)" in page
    )
    assert (
        f"That is {duration(found.seconds)}; ${found.cost - steps:.2f} for {billed:,.0f} seconds at"
        f" ${usd('gb_second_arm64'):.10f} a GB and second, and ${steps:.2f} for {shards:,} requests and"
        f" {4 * shards:,} state transitions."
    ) in page
