"""A corpus in S3, annotated to S3."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from moto import mock_aws
from pyarrow import parquet

from spacy_lambda.aws.lock_holder import this_process
from spacy_lambda.core.source.found_artifact import S3Options
from spacy_lambda.corpus import annotate, s3_files, s3_lock
from spacy_lambda.corpus.files import find_files
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.corpus.s3_destination import S3Destination
from spacy_lambda.corpus.summary import Progress
from spacy_lambda.errors import CorpusError, StoreError
from tests.corpus.engines import InProcess
from tests.corpus.files import TEXTS, content
from tests.corpus.waiting import wait_for

LINES = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS * 10).encode()


@pytest.fixture(scope="module")
def in_memory() -> Iterator[Any]:
    """Return a client of moto's S3, with the bucket ``corpora``."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        client = boto3.client("s3")
        client.create_bucket(Bucket="corpora")
        yield client


@pytest.fixture
def s3(in_memory: Any) -> Any:
    """The same, empty."""
    for entry in in_memory.list_objects_v2(Bucket="corpora").get("Contents", []):
        in_memory.delete_object(Bucket="corpora", Key=entry["Key"])
    return in_memory


def put(s3: Any, **objects: bytes) -> None:
    for key, body in objects.items():
        s3.put_object(Bucket="corpora", Key=key, Body=body)


def objects(s3: Any, prefix: str) -> dict[str, bytes]:
    entries = s3.list_objects_v2(Bucket="corpora", Prefix=prefix).get("Contents", [])
    return {
        entry["Key"].removeprefix(prefix): s3.get_object(Bucket="corpora", Key=entry["Key"])["Body"].read()
        for entry in entries
        if "/_annotate/" not in entry["Key"]
    }


def names(*sources: str, form: str | None = None) -> list[str]:
    return [file.name for file in find_files(sources, format_name=form)]


def test_a_prefix_gives_what_a_folder_gives(s3: Any, tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    files = {"b.jsonl": LINES, "sub/a.jsonl.gz": gzip.compress(LINES), "c.csv": b"text\niron\n", "d.txt": b"heat"}
    for name, body in files.items():
        put(s3, **{f"in/{name}": body})
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(body)
    put(s3, **{"in/": b"", "in/.hidden.jsonl": b"x", "in/_old/a.jsonl": b"x", "in/readme.md": b"x", "inside.txt": b"x"})
    annotate(tmp_path / "in", tmp_path / "out", pipeline=pipeline, on=engine, shard_bytes=1000)
    interrupted = InProcess(pipeline, fail_after=3)
    with pytest.raises(KeyboardInterrupt):
        annotate("s3://corpora/in", "s3://corpora/out", pipeline=pipeline, on=interrupted, shard_bytes=1000)
    resumed = InProcess(pipeline)
    summary = annotate("s3://corpora/in/", "s3://corpora/out/", pipeline=pipeline, on=resumed, shard_bytes=1000)
    assert interrupted.names + resumed.names == engine.names
    assert objects(s3, "out/") == content(tmp_path / "out")
    assert summary.resumed > 0


@pytest.mark.slow
def test_one_object_as_destination(s3: Any, pipeline: Path, engine: InProcess) -> None:
    put(s3, **{"in.jsonl": LINES + b'{"text": 3}\n'})
    summary = annotate("s3://corpora/in.jsonl", "s3://corpora/a/out.jsonl.gz", pipeline=pipeline, on=engine)
    found = objects(s3, "a/")
    assert summary.errors_file == "out.jsonl.gz.errors.jsonl"
    assert found.keys() == {"out.jsonl.gz", "out.jsonl.gz.errors.jsonl", ".out.jsonl.gz.annotate.json"}
    assert [json.loads(line)["text"] for line in gzip.decompress(found["out.jsonl.gz"]).splitlines()] == TEXTS * 10
    again = annotate("s3://corpora/in.jsonl", "s3://corpora/a/out.jsonl.gz", pipeline=pipeline, on=engine)
    assert (again.resumed, again.annotated) == (51, 0)
    put(s3, **{"a/other.jsonl": LINES})
    with pytest.raises(CorpusError, match=r"s3://corpora/a/other\.jsonl exists"):
        annotate("s3://corpora/in.jsonl", "s3://corpora/a/other.jsonl", pipeline=pipeline, on=engine)


def test_a_large_object_is_uploaded_in_parts(s3: Any) -> None:
    destination = S3Destination(s3, "corpora", "out/")
    with destination.writing("all.jsonl") as file:
        file.write(b"x" * (9 << 20))
    assert s3.head_object(Bucket="corpora", Key="out/all.jsonl")["ETag"].endswith('-2"')
    assert destination.sizes("all") == {"all.jsonl": 9 << 20}
    with pytest.raises(ZeroDivisionError), destination.writing("failed.jsonl"):
        _ = 1 / 0
    assert destination.size("failed.jsonl") is None


LOCK = "out/_annotate/.lock"


def test_a_second_run_into_a_prefix_is_refused(s3: Any, pipeline: Path, engine: InProcess) -> None:
    put(s3, **{"in.jsonl": LINES})
    refused = []

    def meanwhile(progress: Progress) -> None:
        with pytest.raises(CorpusError, match=f"is being annotated by process {os.getpid()} on ") as error:
            annotate("s3://corpora/in.jsonl", "s3://corpora/out", pipeline=pipeline, on=InProcess(pipeline))
        assert f"aws s3 rm s3://corpora/{LOCK}" in str(error.value.remedy)
        refused.append(progress)

    annotate("s3://corpora/in.jsonl", "s3://corpora/out", pipeline=pipeline, on=engine, on_progress=meanwhile)
    assert len(refused) == 1
    assert not s3.list_objects_v2(Bucket="corpora", Prefix=LOCK).get("Contents")


@pytest.mark.slow
@pytest.mark.parametrize("left", ["old", "of this machine", "damaged and old"])
def test_a_lock_that_a_killed_process_leaves_in_s3_is_taken(
    s3: Any, pipeline: Path, engine: InProcess, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    holder = {"pid": 2**22 + 1, "host": "elsewhere"} if left == "old" else {**this_process(), "pid": 2**22 + 1}
    put(s3, **{"in.jsonl": LINES, LOCK: b"{" if left == "damaged and old" else json.dumps(holder).encode()})
    if left != "of this machine":
        with pytest.raises(CorpusError, match="is being annotated by process"):
            annotate("s3://corpora/in.jsonl", "s3://corpora/out", pipeline=pipeline, on=engine)
        monkeypatch.setattr(s3_lock, "EXPIRE_S", -1.0)
    summary = annotate("s3://corpora/in.jsonl", "s3://corpora/out", pipeline=pipeline, on=engine)
    assert summary.counts.documents == 50


def test_a_run_whose_lock_was_taken_over_writes_nothing_more(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_lock, "RENEW_S", 0.01)
    destination = S3Destination(s3, "corpora", "out/")
    with destination.lock("_annotate/.lock", "s3://corpora/out"):
        first = s3.get_object(Bucket="corpora", Key=LOCK)["ETag"]
        wait_for(lambda: s3.get_object(Bucket="corpora", Key=LOCK)["ETag"] != first)
        destination.write("a.jsonl", b"")
        put(s3, **{LOCK: b"{}"})
        wait_for(lambda: refuses(destination))
    assert s3.get_object(Bucket="corpora", Key=LOCK)["Body"].read() == b"{}"


def refuses(destination: S3Destination) -> bool:
    try:
        destination.write("b.jsonl", b"")
    except CorpusError as exc:
        return "another process has taken over s3://corpora/out" in exc.message
    return False


@pytest.mark.parametrize("key", ["out/all.jsonl", "out/in.jsonl-00000.jsonl", "out/_errors.jsonl"])
def test_objects_of_others_are_not_replaced(s3: Any, pipeline: Path, engine: InProcess, key: str) -> None:
    put(s3, **{"in.jsonl": LINES, key: LINES})
    destination = f"s3://corpora/{key}" if key == "out/all.jsonl" else "s3://corpora/out"
    for force in (False, True):
        with pytest.raises(CorpusError, match=f"s3://corpora/{key} exists, and is not recorded"):
            annotate("s3://corpora/in.jsonl", destination, pipeline=pipeline, on=engine, force=force)
    assert engine.names == []


@pytest.mark.slow
def test_a_whole_bucket_without_what_the_run_writes(s3: Any, pipeline: Path, engine: InProcess) -> None:
    put(s3, **{"in.jsonl": LINES})
    for _ in range(2):
        summary = annotate("s3://corpora", "s3://corpora/out", pipeline=pipeline, on=engine)
        assert summary.counts.documents == 50
    annotate("s3://corpora/*.jsonl", "s3://corpora/out.jsonl", pipeline=pipeline, on=engine)
    for source in ("s3://corpora/out", "s3://corpora/out/", "s3://corpora/out/in.jsonl-00000.jsonl"):
        with pytest.raises(CorpusError, match=r"is the destination|is in the destination"):
            annotate(source, "s3://corpora/out/", pipeline=pipeline, on=engine)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jsonl", ["a.jsonl", "b[1].jsonl"]),
        ("x/*.jsonl", ["c.jsonl"]),
        ("x/**", ["c.jsonl", "y/d.jsonl"]),
        ("**/*.jsonl", ["a.jsonl", "b[1].jsonl", "x/c.jsonl", "x/y/d.jsonl"]),
        ("x/**/d.jsonl", ["y/d.jsonl"]),
        ("[ab].jsonl", ["a.jsonl"]),
        ("[!b]?jsonl", ["a.jsonl"]),
        ("b[1].jsonl", ["b[1].jsonl"]),
        ("x", ["c.jsonl", "y/d.jsonl"]),
        ("", ["a.jsonl", "b[1].jsonl", "x/c.jsonl", "x/y/d.jsonl"]),
    ],
)
def test_patterns(s3: Any, tmp_path: Path, pattern: str, expected: list[str]) -> None:
    for key in ("a.jsonl", "b[1].jsonl", "x/c.jsonl", "x/y/d.jsonl", "x/.h.jsonl", ".h/e.jsonl", "x/f.pdf"):
        put(s3, **{key: b"{}"})
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(b"{}")
    assert names(f"s3://corpora/{pattern}") == expected
    assert names(f"{tmp_path}/{pattern}") == expected


def test_an_object_is_read_in_ranges(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_files, "CHUNK_BYTES", 100)
    monkeypatch.setattr(s3_files, "MAX_CHUNK_BYTES", 1000)
    put(s3, **{"a.jsonl": LINES, "empty.jsonl": b"", "a.parquet": as_parquet(["iron", "heat"] * 500)})
    assert [one.text for one in documents("s3://corpora/a.jsonl")] == TEXTS * 10
    assert documents("s3://corpora/empty.jsonl") == []
    assert [one.text for one in documents("s3://corpora/a.parquet")] == ["iron", "heat"] * 500


def test_an_object_that_is_replaced_meanwhile(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_files, "CHUNK_BYTES", 100)
    put(s3, **{"a.jsonl": LINES})
    (file,) = find_files(["s3://corpora/a.jsonl"])
    found = file.documents(Columns())
    next(found)
    put(s3, **{"a.jsonl": LINES[:-1]})
    with pytest.raises(StoreError, match="was replaced while it was read"):
        list(found)


def documents(source: str) -> list[Any]:
    return [document for file in find_files([source]) for document in file.documents(Columns())]


def as_parquet(texts: list[str]) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.table({"text": texts, "number": range(len(texts))}), stream, row_group_size=100)
    return stream.getvalue()


def test_what_does_not_exist(s3: Any, pipeline: Path, engine: InProcess) -> None:
    for source, reason in {
        "s3://corpora/none": "s3://corpora/none does not exist",
        "s3://corpora/none/*.jsonl": "does not exist",
        "s3://": "does not name a bucket",
    }.items():
        with pytest.raises(CorpusError, match=reason):
            names(source)
    put(s3, **{"x/a.pdf": b""})
    with pytest.raises(CorpusError, match="s3://corpora/x has no file of a corpus"):
        names("s3://corpora/x")
    assert names("s3://corpora/x", form="lines") == ["a.pdf"]
    with pytest.raises(StoreError, match="the bucket 'missing' does not exist"):
        names("s3://missing/a.jsonl")
    with pytest.raises(CorpusError, match="some sources are in S3"):
        names("s3://corpora/x", "/tmp")


def test_keys_that_are_not_paths(s3: Any, tmp_path: Path, pipeline: Path, engine: InProcess) -> None:
    keys = ["in/../../up.jsonl", "in//slashes.jsonl", "in/a\nb.jsonl", "in/A\nb.jsonl", f"in/{'x' * 250}.jsonl"]
    for key in keys:
        put(s3, **{key: b'{"text": "iron"}\n'})
    annotate([f"s3://corpora/{key}" for key in keys], tmp_path / "out", pipeline=pipeline, on=engine)
    written = content(tmp_path / "out")
    assert len(written) == len(keys)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert all(json.loads(line)["text"] == "iron" for line in written.values())


def test_options_reach_the_client(s3: Any, pipeline: Path, engine: InProcess) -> None:
    put(s3, **{"in.jsonl": LINES})
    options = S3Options(region="us-east-1")
    summary = annotate("s3://corpora/in.jsonl", "s3://corpora/out", pipeline=pipeline, on=engine, s3=options)
    assert summary.counts.documents == 50
    with pytest.raises(StoreError, match="nobody"):
        annotate("s3://corpora/in.jsonl", "out", pipeline=pipeline, on=engine, s3=S3Options(profile="nobody"))
