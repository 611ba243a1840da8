"""Compare a cold start's fetch with a plain download of the same bytes, from S3 on loopback (moto).

In one process, in turn, each with a client of its own, as in a cold start: the artifact streamed into a file; boto3's
``download_file``; the function's first init, which streams, hashes, unpacks, flushes to disk and renames; and its next
init, which hashes every file again and fetches nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import spacy
from rich.console import Console
from rich.table import Table

from spacy_lambda.core.location import parse_location
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import push

PORT = 5059
CHUNK = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=110, help="the artifact's size")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is done")
    arguments = parser.parse_args()
    os.environ.update(
        AWS_ACCESS_KEY_ID="bench",
        AWS_SECRET_ACCESS_KEY="bench",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{PORT}",
    )
    server = subprocess.Popen(
        [sys.executable, "-c", f"from moto.server import main; main(['-p', '{PORT}'])"], stderr=subprocess.DEVNULL
    )
    try:
        with tempfile.TemporaryDirectory(prefix="spacy-lambda-bench-") as scratch:
            times = measure(Path(scratch), arguments.megabytes * 10**6, arguments.rounds)
    finally:
        server.kill()
    show(times, arguments.megabytes)


def measure(scratch: Path, size: int, rounds: int) -> dict[str, list[float]]:
    """Measure the seconds of each, in turn."""
    client = boto3.client("s3")
    wait_for(client)
    client.create_bucket(Bucket="models")
    location = push(str(pipeline(scratch, size)), open_store(parse_location("s3://models"))).location
    key = f"en_bench/artifacts/{location.sha256}.tar"
    settings = CacheSettings(scratch / "cache")

    def plain() -> None:
        body = boto3.client("s3").get_object(Bucket="models", Key=key)["Body"]
        with open(scratch / "plain", "wb") as file:
            while chunk := body.read(CHUNK):
                file.write(chunk)
        body.close()

    def fetch() -> None:
        cached_pipeline(location, settings).close()

    ways: dict[str, Callable[[], None]] = {
        "plain download into a file": plain,
        "boto3's download_file": lambda: boto3.client("s3").download_file("models", key, str(scratch / "boto3")),
        "fetched, verified, unpacked": fetch,
        "found in the cache, verified": fetch,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        shutil.rmtree(settings.root, ignore_errors=True)
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begin)
    return times


def pipeline(scratch: Path, size: int) -> Path:
    """Write a pipeline of that size, with incompressible weights."""
    nlp = spacy.blank("en")
    nlp.meta["name"] = "bench"
    nlp.to_disk(scratch / "pipeline")
    with open(scratch / "pipeline" / "weights", "wb") as file:
        file.write(os.urandom(size))
    return scratch / "pipeline"


def wait_for(client: object) -> None:
    """Wait until the server responds."""
    for _ in range(100):
        try:
            client.list_buckets()  # type: ignore[attr-defined]
        except Exception:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the S3 server does not start")


def show(times: dict[str, list[float]], megabytes: int) -> None:
    first = statistics.median(next(iter(times.values())))
    table = Table(f"{megabytes} MB from S3 on loopback", "median", "against the plain download")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        table.add_row(name, f"{median * 1000:.0f} ms", f"{median / first:.2f}×")
    Console().print(table)


if __name__ == "__main__":
    main()
