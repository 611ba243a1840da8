"""The estimate reads all of a corpus, annotates some of it, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.core.annotation import Document
from spacy_lambda.corpus import estimate_corpus
from spacy_lambda.corpus.estimate import read_all
from spacy_lambda.corpus.shards import make_shard
from spacy_lambda.errors import CorpusError


def test_the_estimate_counts_all_documents(tmp_path: Path, pipeline: Path) -> None:
    lines = "".join(f'{{"text": "iron and heat {number}"}}\n' for number in range(300)) + "{bad\n"
    (tmp_path / "corpus.jsonl").write_text(lines, encoding="utf-8")
    found = estimate_corpus(tmp_path / "corpus.jsonl", pipeline=pipeline, workers=2, shard_bytes=10_000)
    assert (found.documents, found.unreadable, found.sampled) == (301, 1, 50)
    assert found.words_per_document == 4
    local, on_lambda = found.engines
    assert (local.engine, local.cost, local.units) == ("local", None, 2)
    assert on_lambda.invocations == found.shards > 2
    assert on_lambda.cost is not None
    assert on_lambda.cost > 0
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.jsonl"]


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
