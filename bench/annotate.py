"""Annotate many texts with ``spacy-lambda annotate``: throughput, memory, and kills at random moments.

::

    python bench/annotate.py --pipeline en_scienceie_minilm --short 2000 --long 20
    python bench/annotate.py --pipeline rules --short 200000 --long 5000 --kills 10
    python bench/annotate.py --short 20000 --long 200 --all-only --encoders
    python bench/annotate.py --short 1000 --long 10 --all-only --encoders --rounds 5
    python bench/annotate.py --short 20000 --long 200 --all-only --on ray

``--encoders`` measures the encoders by themselves, too: as many processes as there are workers, with one thread each,
at the same time, run the windows of the same texts and nothing else. That is the limit of what annotating can reach.
On a machine that does other work, ``--rounds`` repeats both in alternation: the median of their ratios counts.

``rules`` stands for a small pipeline without a transformer: then the work is that of the corpus, not of the encoder.
Prints JSON: documents a second with one worker and with all, the resident memory of the parent process and of the
largest worker over time, and whether a run that was killed has the same output as one that was not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from spacy_lambda.corpus.engines.worker_process import ONE_CPU

WORDS = (
    "iron oxide silicon glass films were grown at low temperature by pulsed laser deposition while heat moves through"
    " the cold wall and water freezes in one hour"
).split()


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", default="en_scienceie_minilm")
    parser.add_argument("--short", type=int, default=2000, help="texts of 10 to 40 words")
    parser.add_argument("--long", type=int, default=20, help="texts of 1,000 to 3,000 words")
    parser.add_argument("--kills", type=int, default=0, help="SIGKILLs at random moments")
    parser.add_argument("--encoders", action="store_true", help="measure the encoders by themselves, too")
    parser.add_argument("--rounds", type=int, default=1, help="times that both are measured, with --encoders")
    parser.add_argument("--on", choices=("local", "ray"), default="local", help="the engine that uses all CPUs")
    parser.add_argument("--all-only", action="store_true", help="skip the run with one worker")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-bench-") as folder:
        print(json.dumps(measure(Path(folder), options), indent=2))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Write the corpus, and annotate it in several ways."""
    rng = random.Random(options.seed)
    write_corpus(folder / "corpus.jsonl", options.short, options.long, rng)
    pipeline = write_rules(folder / "rules") if options.pipeline == "rules" else options.pipeline
    found: dict[str, Any] = {"documents": options.short + options.long, "cpus": len(os.sched_getaffinity(0))}
    compared = not (options.kills or options.all_only)
    if compared:
        found["one_worker"] = annotate(folder, "one", pipeline, "--workers", "1")
    found["all_workers"] = annotate(folder, "all", pipeline, "--on", options.on)
    if options.encoders:
        found["parts_reached"] = list(parts_reached(folder, pipeline, options, found))
        found["part_reached"] = statistics.median(found["parts_reached"])
    if options.kills:
        found["kills_s"] = killed(folder, "killed", pipeline, options.kills, found["all_workers"]["seconds"], rng)
        found["after_kills"] = annotate(folder, "killed", pipeline)
        found["nothing_to_do"] = annotate(folder, "killed", pipeline)
        found["same"] = digest(folder / "all") == digest(folder / "killed")
        found["ids"] = count_ids(folder / "killed")
    if compared:
        found["same"] = digest(folder / "all") == digest(folder / "one")
    return found


def parts_reached(folder: Path, pipeline: str, options: argparse.Namespace, found: dict[str, Any]) -> Iterator[float]:
    """Yield the speed of annotating next to the encoders', round by round."""
    for number in range(options.rounds):
        if number:
            found["all_workers"] = annotate(folder, f"all-{number}", pipeline, "--on", options.on)
        alone = encoders_alone(folder / "corpus.jsonl", pipeline, found["cpus"])
        found["encoders_alone"] = {"documents_per_second": round(alone, 1)}
        yield round(found["all_workers"]["documents_per_second"] / alone, 3)


def write_corpus(path: Path, short: int, long: int, rng: random.Random) -> None:
    """Write short texts with long ones among them."""
    lengths = [rng.randint(10, 40) for _ in range(short)] + [rng.randint(1000, 3000) for _ in range(long)]
    rng.shuffle(lengths)
    with path.open("w", encoding="utf-8") as file:
        for number, length in enumerate(lengths):
            text = " ".join(rng.choices(WORDS, k=length)) + "."
            file.write(json.dumps({"id": number, "text": text}) + "\n")


def write_rules(folder: Path) -> str:
    """Write a pipeline of a few rules."""
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "MATERIAL", "pattern": word} for word in ("iron", "glass")])
    nlp.to_disk(folder)
    return str(folder)


def start(folder: Path, out: str, pipeline: str, *more: str) -> subprocess.Popen[str]:
    """Start the command."""
    command = [sys.executable, "-m", "spacy_lambda", "annotate", str(folder / "corpus.jsonl"), str(folder / out)]
    return subprocess.Popen(
        [*command, "--pipeline", pipeline, "--json", *more], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def annotate(folder: Path, out: str, pipeline: str, *more: str) -> dict[str, Any]:
    """Annotate the corpus; return its time, and the memory of the parent process and of the largest worker."""
    began = time.monotonic()
    process = start(folder, out, pipeline, *more)
    memory: list[tuple[float, float, float]] = []
    while process.poll() is None:
        workers = (resident_mb(pid) for pid in children(process.pid))
        memory.append((time.monotonic() - began, resident_mb(process.pid), max(workers, default=0)))
        time.sleep(0.2)
    seconds = time.monotonic() - began
    assert process.stdout is not None
    summary = json.loads(process.stdout.read())
    annotated = summary["counts"]["documents"] - summary["resumed"]
    found = {
        "seconds": round(seconds, 1),
        "annotating_s": round(summary["annotating_seconds"], 1),
        "annotated": annotated,
    }
    if annotated:
        found["documents_per_second"] = round(annotated / summary["annotating_seconds"], 1)
    return {**found, "parent_mb": over_time(memory, 1), "worker_mb": over_time(memory, 2)}


def encoders_alone(corpus: Path, pipeline: str, processes: int) -> float:
    """Run the windows of the corpus through as many encoders as there are CPUs; return documents a second."""
    texts = [json.loads(line)["text"] for line in corpus.read_bytes().splitlines()]
    context = multiprocessing.get_context("spawn")
    ready, results = context.Barrier(processes), context.Queue()
    running = [
        context.Process(target=run_encoder, args=(pipeline, texts[number::processes], ready, results))
        for number in range(processes)
    ]
    # Only while these start: the next run of the command is to use all CPUs.
    with patch.dict(os.environ, ONE_CPU):
        for process in running:
            process.start()
    return float(sum(results.get() for _ in running))


def run_encoder(pipeline: str, texts: list[str], ready: Any, results: Any) -> None:
    """Make the windows of some texts, wait for the other processes, and time the encoder."""
    from spacy_lambda.core.pipelines import find_pipeline
    from spacy_lambda.runtime.loading import load_pipeline
    from spacy_lambda.runtime.transformer import CompiledTransformer

    nlp = load_pipeline(find_pipeline(pipeline))
    transformer = next(pipe for _, pipe in nlp.pipeline if isinstance(pipe, CompiledTransformer))
    encoder = transformer._encoder
    assert encoder is not None
    calls: list[tuple[Any, ...]] = []

    def keep(*windows: Any) -> Any:
        calls.append(windows)
        return encoder(*windows)

    transformer._encoder = keep  # type: ignore[assignment]
    for text in texts:
        transformer.encode(nlp.make_doc(text))
    ready.wait()
    began = time.monotonic()
    for windows in calls:
        encoder(*windows)
    results.put(len(texts) / (time.monotonic() - began))


def over_time(memory: list[tuple[float, float, float]], column: int) -> dict[str, float]:
    """Return the highest memory of each tenth of a run, by its end in seconds."""
    found: dict[str, float] = {}
    for at, *values in memory:
        end = f"{memory[-1][0] * math.ceil(10 * (at or 1e-9) / memory[-1][0]) / 10:.0f}"
        found[end] = max(found.get(end, 0), values[column - 1])
    return found


def children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(one) for one in path.read_text(encoding="ascii").split()]
        except OSError:  # it has ended
            continue
    return found


def killed(folder: Path, out: str, pipeline: str, kills: int, seconds: float, rng: random.Random) -> list[float]:
    """Kill the command at random moments, with which its workers end, starting it again each time."""
    moments = []
    for _ in range(kills):
        process = start(folder, out, pipeline)
        moment = rng.uniform(0.2, 1.5 * seconds / kills + 1)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        moments.append(round(moment, 1))
    return moments


def resident_mb(pid: int) -> float:
    """Return a process's resident memory."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    line = next((line for line in status.splitlines() if line.startswith("VmRSS")), "VmRSS: 0")
    return round(int(line.split()[1]) / 1024, 1)


def digest(folder: Path) -> dict[str, str]:
    """Return the digests of the output's files, without the records, which have times."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "_annotate" not in path.parts
    }


def count_ids(folder: Path) -> dict[str, int]:
    """Return how many documents there are, and how many different ones."""
    ids = [json.loads(line)["id"] for path in folder.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    return {"documents": len(ids), "different": len(set(ids))}


if __name__ == "__main__":
    main()
