"""Lambda Managed Instances: one process for each concurrent request, with its own init, and one ``/tmp`` for all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from spacy_lambda.core.artifact.pack import pack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Lambda's processes are forked")

WORKERS, INVOCATIONS = 4, 25

PROGRAM = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
from spacy_lambda.core.location import parse_location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.runtime.telemetry.recorder import Recorder

artifact, root, workers, invocations = sys.argv[1:]
labels = [f"LABEL_{number}" for number in range(100)]
environ = {"SPACY_LAMBDA_METRICS": "Mine", "AWS_LAMBDA_FUNCTION_NAME": "function"}
gate, opened = os.pipe()

def find(location):
    found = find_artifact(location)

    def fetch():
        os.write(1, b'{"fetched": true}\\n')
        return found.open()

    return replace(found, open=fetch)

for _ in range(int(workers)):
    if os.fork() == 0:
        os.close(opened)
        os.dup2(os.open(f"{root}-{os.getpid()}.log", os.O_WRONLY | os.O_CREAT), 1)  # Lambda gives each its own
        os.read(gate, 1)  # all begin together
        entry = cached_pipeline(parse_location(artifact), CacheSettings(Path(root)), find=find)
        os.write(1, json.dumps({"entry": str(entry.folder)}).encode() + b"\\n")
        recorder = Recorder(environ, model="m", labels=labels, write=lambda line: os.write(1, line.encode()))
        for number in range(int(invocations)):
            with recorder.invocation(f"{os.getpid()}-{number}"):
                pass
        os._exit(0)
os.close(opened)
for _ in range(int(workers)):
    assert os.wait()[1] == 0
"""


@pytest.mark.slow
def test_processes_that_share_a_cache(pipeline: Path, tmp_path: Path) -> None:
    """One fetches, all get the same entry, and every record of every process is complete."""
    artifact = tmp_path / "one.tar"
    digest = pack(pipeline, artifact).sha256
    words = [f"{artifact}#sha256={digest}", str(tmp_path / "cache"), str(WORKERS), str(INVOCATIONS)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    logs = [path.read_text() for path in tmp_path.glob("cache-*.log")]
    lines = [json.loads(line) for log in logs for line in log.splitlines()]
    assert sum("fetched" in line for line in lines) == 1
    assert len({line["entry"] for line in lines if "entry" in line}) == 1
    records = [line for line in lines if "_aws" in line]
    assert len({line["requestId"] for line in records}) == WORKERS * INVOCATIONS == len(records)
    cold = Counter(line["requestId"].partition("-")[0] for line in records if line["ColdStarts"])
    assert set(cold.values()) == {1}, "each process has one init"
    assert len(cold) == WORKERS
    assert not [path for path in (tmp_path / "cache").rglob("*") if ".fetching" in path.parent.parts]
