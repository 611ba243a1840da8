"""Cold starts against S3: many at once, and killed at any moment."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy

from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.packages.task_root import build_task_root
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings
from spacy_lambda.runtime.cache.sweep import sweep
from spacy_lambda.store.factory import open_store
from spacy_lambda.store.transfer import push
from tests.profiles import PROFILE

pytestmark = pytest.mark.slow

STRESS = Path(__file__).parents[2] / "bench" / "stress_cache.py"
AT_ONCE, KILLS, PROCESSES = (32, 200, 8) if PROFILE == "thorough" else (8, 25, 5)

# Children of one process that has imported everything: hundreds of interpreters would take minutes.
INVOKE = """
import json, os, sys, time, traceback
from pathlib import Path
import boto3, spacy_lambda.core.source.s3, spacy_lambda.runtime.cache.fetch, spacy_lambda.runtime.loading
boto3.client("s3")

answers, (start, begin) = Path(sys.argv[1]), os.pipe()

def child(number):
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(begin)
        os.read(start, 1)  # until the parent closes it
        from spacy_lambda.runtime.handler import handler
        (answers / str(number)).write_text(json.dumps(handler({"text": "iron and tin"}, None)))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)

children = [child(number) for number in range(int(sys.argv[2]))]
os.close(begin)
print(json.dumps([os.waitpid(pid, 0)[1] for pid in children]))
"""

KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
from spacy_lambda.core.location import parse_location
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings
import spacy_lambda.core.source.s3, boto3
boto3.client("s3")

location, settings = parse_location(sys.argv[1]), CacheSettings(Path(sys.argv[2]))
random.seed(int(sys.argv[4]))

def child():
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            cached_pipeline(location, settings)
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid

def clear():
    import shutil
    shutil.rmtree(settings.root / (location.sha256 or ""), ignore_errors=True)

begin = time.perf_counter()
os.waitpid(child(), 0)
took = time.perf_counter() - begin
killed, states, codes = 0, set(), []
# A process that was done before it could be killed does not count.
while killed < int(sys.argv[3]) and len(codes) < 5 * int(sys.argv[3]):
    clear()
    pid, begin = child(), time.perf_counter()
    moment, ended = begin + random.uniform(0, took), 0
    while not ended and (left := moment - time.perf_counter()) > 0:
        time.sleep(min(left, 0.002))
        ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        # The moments keep within a fetch, however busy the machine was before.
        took += 0.3 * (time.perf_counter() - begin - took)
    else:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
    claims = list(settings.root.glob(".fetching/*/*"))
    entry = (settings.root / location.sha256).exists()
    states.add((bool(claims), any(list(claim.glob("entry-*")) for claim in claims), entry))
    begin = time.perf_counter()
    _, status = os.waitpid(child(), 0)
    codes.append(status)
    if not entry:
        # And they reach to its end, however busy the machine is meanwhile.
        took += 0.3 * (time.perf_counter() - begin - took)
print(json.dumps({"killed": killed, "states": sorted(states), "codes": codes}))
"""


@pytest.fixture
def stored(s3: Any, tmp_path: Path) -> Location:
    """A pipeline of ten megabytes in S3, named by alias and digest."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.meta["name"] = "metals"
    nlp.to_disk(tmp_path / "metals")
    (tmp_path / "metals" / "weights").write_bytes(np.random.default_rng(2).bytes(10_000_000))
    return push(str(tmp_path / "metals"), open_store(parse_location("s3://models")), aliases=("live",)).location


def entries(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if not path.name.startswith(".")]


def test_many_cold_starts_at_once(stored: Location, tmp_path: Path) -> None:
    root, answers = tmp_path / "efs", tmp_path / "answers"
    answers.mkdir()
    # What the function has; with torch, which thinc imports where it is there, the start would take seconds.
    task_root = build_task_root(["boto3"])
    environ = {**os.environ, "SPACY_LAMBDA_PIPELINE": str(stored.at("live")), "SPACY_LAMBDA_CACHE": str(root)}
    environ["PYTHONPATH"] = str(task_root.path)
    done = subprocess.run(
        [sys.executable, "-S", "-c", INVOKE, str(answers), str(AT_ONCE)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    task_root.remove()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [0] * AT_ONCE, done.stderr
    found = [json.loads(path.read_text()) for path in answers.iterdir()]
    assert found == [[{"text": "iron", "label": "METAL", "start": 0, "end": 4}]] * AT_ONCE
    assert entries(root) == [stored.sha256]
    assert [path for path in root.rglob("*") if ".fetching" in path.parts[:-1] or ".set-aside" in path.parts] == []


def test_killed_at_any_moment(stored: Location, tmp_path: Path) -> None:
    root = tmp_path / "cache"
    command = [sys.executable, "-c", KILLED, str(stored), str(root), str(KILLS), str(random.randrange(10**6))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["codes"]) == {0}, done.stderr
    assert result["killed"] == KILLS
    # Some of the moments were within the fetch.
    assert [True, True, False] in result["states"]
    cached_pipeline(stored, CacheSettings(root)).close()
    assert entries(root) == [stored.sha256]
    # Others cannot know whether a process that was killed before its claim had a number is alive: it expires.
    left = list(root.glob(".fetching/*/*"))
    assert {path.name for folder in left for path in folder.iterdir()} <= {"heartbeat"}
    for path in (*root.glob(".fetching/*/*"), *root.glob(".fetching/*/*/*")):
        os.utime(path, (0, 0))
    sweep(root)
    assert list(root.glob(".fetching/*/*")) == []


@pytest.mark.parametrize("kills", [(), ("--kills",)], ids=["", "kills"])
def test_starts_that_race(kills: tuple[str, ...]) -> None:
    """The stress of ``bench/stress_cache.py``, for some seconds: none fails that was not killed."""
    size = ("--processes", str(PROCESSES), "--starts", "3", "--pipelines", "2", "--kilobytes", "20")
    command = [sys.executable, str(STRESS), *size, *kills, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    results = json.loads(done.stdout)["results"]
    assert [result["errors"] for result in results] == [{}] * 8
    assert done.returncode == 0
    assert [result["starts"] for result in results] == [PROCESSES * 3 * 2] * 8
    assert (sum(result["killed"] for result in results) > 0) is bool(kills)
