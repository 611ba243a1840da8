"""Race cold starts for one cache: many processes, single starts, with and without kills.

Each start is a process that opens one pipeline from a store in a folder and exits. None may fail, except those that
``--kills`` kills. Only the standard library is needed, so any Python from 3.11 can run it:

    python bench/stress_cache.py --kills

Each scenario is one way in which folders disappear during a start:

``empty``     all processes begin at once on a missing folder; a new one in each round
``shared``    all use one folder
``limited``   the same, with room for two pipelines: most starts evict
``removed``   like ``shared``, while processes remove entries and records of the cache, or all of it
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import BrokenBarrierError

from spacy_lambda.core.artifact.pack import pack
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.layout import Pointer, artifact_key, ref_key
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings

SCENARIOS = ("empty", "shared", "limited", "removed")
LOCATIONS = ("digest", "alias")
KILLED_SHARE = 0.3
REMOVED_SHARE = 0.2
LONGEST_S = 120
"""Seconds after which a start counts as hanging."""


@dataclass(frozen=True)
class Plan:
    """One scenario with one kind of location."""

    scenario: str
    store: tuple[Location, ...]
    limit: int
    processes: int
    starts: int
    kills: bool
    seed: int
    scratch: Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=16, help="processes that begin starts (default: 16)")
    parser.add_argument("--starts", type=int, default=100, help="starts of each process and pipeline (default: 100)")
    parser.add_argument("--pipelines", type=int, default=4, help="pipelines in the store (default: 4)")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=SCENARIOS)
    parser.add_argument("--locations", nargs="+", choices=LOCATIONS, default=LOCATIONS)
    parser.add_argument("--kills", action="store_true", help=f"kill {KILLED_SHARE:.0%} of the starts at some moment")
    parser.add_argument("--kilobytes", type=int, default=100, help="size of a pipeline (default: 100)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--json", action="store_true", help="print the results as one line of JSON")
    arguments = parser.parse_args()
    # Some scenarios damage entries on purpose.
    logging.disable()
    results = []
    with tempfile.TemporaryDirectory(prefix="stress-cache-") as scratch:
        stores = make_store(Path(scratch, "store"), arguments.pipelines, arguments.kilobytes * 1000)
        for scenario in arguments.scenarios:
            for kind in arguments.locations:
                folder = Path(tempfile.mkdtemp(dir=scratch))
                plan = Plan(
                    scenario=scenario,
                    store=stores[kind],
                    limit=int(2.5 * arguments.kilobytes * 1000),
                    processes=arguments.processes,
                    starts=arguments.starts * arguments.pipelines,
                    kills=arguments.kills,
                    seed=arguments.seed,
                    scratch=folder,
                )
                results.append({"scenario": scenario, "location": kind, **run(plan)})
                if not arguments.json:
                    print_result(results[-1])
                shutil.rmtree(folder)
    failed = sum(result["failed"] for result in results)
    if arguments.json:
        print(json.dumps({"python": sys.version.split()[0], "seed": arguments.seed, "results": results}))
    else:
        print(f"Python {sys.version.split()[0]}, seed {arguments.seed}: {failed} failed")
    sys.exit(1 if failed else 0)


def print_result(result: dict[str, object]) -> None:
    print(
        "{scenario:8} {location:7} {starts:6} starts, {killed:5} killed, {failed:4} failed, {seconds} s".format(
            **result
        )
    )
    for error, count in result["errors"].items():  # type: ignore[attr-defined]
        print(f"{count:8} times: {error}")


def make_store(root: Path, pipelines: int, size: int) -> dict[str, tuple[Location, ...]]:
    """Write small pipelines into a store in a folder; return their locations, by digest and by alias."""
    by_digest, by_alias = [], []
    for number in range(pipelines):
        name = f"en_p{number}"
        folder = root / f"{name}-source"
        folder.mkdir(parents=True)
        (folder / "config.cfg").write_text("[nlp]\nlang = en\n")
        (folder / "meta.json").write_text(json.dumps({"lang": "en", "name": f"p{number}", "version": "1.0.0"}))
        (folder / "weights").write_bytes(os.urandom(size))
        for part in range(10):
            (folder / f"part{part}").mkdir()
            (folder / f"part{part}" / "data").write_bytes(os.urandom(100))
        packed = pack(folder, root / f"{name}.tar")
        for key in (artifact_key(name, packed.sha256), ref_key(name, "live")):
            (root / key).parent.mkdir(parents=True)
        packed.path.rename(root / artifact_key(name, packed.sha256))
        (root / ref_key(name, "live")).write_bytes(Pointer("alias", "1.0.0", packed.sha256, packed.size).to_bytes())
        by_alias.append(Location("file", str(root / name), "live"))
        by_digest.append(Location("file", str(root / name), "live", packed.sha256))
    return {"digest": tuple(by_digest), "alias": tuple(by_alias)}


def run(plan: Plan) -> dict[str, object]:
    """Run a plan; count its starts and their outcomes."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(plan.processes)
    begin = time.perf_counter()
    workers = [context.Process(target=work, args=(plan, number, barrier)) for number in range(plan.processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ends: Counter[str] = Counter()
    for number in range(plan.processes):
        ends.update(json.loads((plan.scratch / f"{number}.json").read_bytes()))
    errors = Counter(path.read_text().strip().splitlines()[-1][:300] for path in plan.scratch.glob("*.error"))
    return {
        "starts": sum(ends.values()),
        "killed": ends["killed"],
        "failed": ends["failed"],
        "seconds": round(time.perf_counter() - begin, 1),
        "errors": dict(errors.most_common(10)),
    }


def work(plan: Plan, number: int, barrier: object) -> None:
    """Run single starts one after another: the body of one process."""
    chance = random.Random(f"{plan.seed} {plan.scenario} {number}")
    ends: Counter[str] = Counter()
    for turn in range(plan.starts):
        root = plan.scratch / (f"root-{turn}" if plan.scenario == "empty" else "root")
        if plan.scenario == "empty":
            wait(barrier)
            if number == 0 and turn:
                shutil.rmtree(plan.scratch / f"root-{turn - 1}", ignore_errors=True)
        elif plan.scenario == "removed" and chance.random() < REMOVED_SHARE:
            remove_something(root, chance)
        location = plan.store[(number + turn) % len(plan.store)]
        settings = CacheSettings(root, limit=plan.limit if plan.scenario == "limited" else None)
        error = plan.scratch / f"{number}-{turn}.error"
        ends[start(location, settings, error, chance if plan.kills else None)] += 1
    (plan.scratch / f"{number}.json").write_text(json.dumps(ends))


def wait(barrier: object) -> None:
    with contextlib.suppress(BrokenBarrierError):
        barrier.wait(LONGEST_S)  # type: ignore[attr-defined]


def remove_something(root: Path, chance: random.Random) -> None:
    """Remove an entry, the records of the cache, or all of it, as a user may."""
    names = os.listdir(root) if root.exists() else []
    target = root / chance.choice(names) if names and chance.random() < 0.8 else root
    shutil.rmtree(target, ignore_errors=True)


def start(location: Location, settings: CacheSettings, error: Path, chance: random.Random | None) -> str:
    """Start one process, kill it at random if there is a source of chance, and return its outcome."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(LONGEST_S)
            cached_pipeline(location, settings).close()
            code = 0
        except BaseException as exc:
            shown = f"{type(exc).__name__}: {exc}".replace("\n", " ")
            error.write_text(f"{traceback.format_exc()}\n{shown}\n")
        finally:
            os._exit(code)
    if chance is not None and chance.random() < KILLED_SHARE:
        time.sleep(chance.uniform(0, 0.03))
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return "killed"
    return "done" if status == 0 else "failed"


if __name__ == "__main__":
    main()
