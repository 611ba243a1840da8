"""Ray itself, started on this machine: the same bytes as local, and datasets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.corpus import Annotator, annotate
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, content, write_jsonl

# Ray warns of its own settings when it sets their defaults.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def _ray() -> Iterator[None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    try:
        _start(ray)
    except Exception:  # Ray gives its processes 30 seconds to start, which a busy machine may exceed
        ray.shutdown()
        _start(ray)
    yield
    ray.shutdown()


def _start(ray: Any) -> None:
    ray.init(num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False)


@pytest.mark.usefixtures("_ray")
def test_the_same_bytes_as_local(tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    source = write_jsonl(tmp_path / "corpus.jsonl", [*TEXTS, None] * 40)
    expected = annotate(source, tmp_path / "one", pipeline=pipeline, on=engine, shard_bytes=1000)
    found = annotate(source, tmp_path / "two", pipeline=pipeline, on="ray", workers=2, shard_bytes=1000)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert (found.counts, found.shards) == (expected.counts, expected.shards)


@pytest.mark.usefixtures("_ray")
def test_a_dataset(tmp_path: Path, pipeline: Path) -> None:
    import ray

    dataset = ray.data.from_items([{"text": text} for text in TEXTS * 4])
    found = dataset.map_batches(
        Annotator,
        fn_constructor_args=[str(pipeline)],
        batch_format="pyarrow",
        batch_size=5,
        compute=ray.data.ActorPoolStrategy(size=1),
    ).take_all()
    assert len(found) == 20
    assert sum(len(row["ents"]) for row in found) == 4 * 5
    assert {row["error"] for row in found} == {None}
