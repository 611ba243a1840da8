"""``make bench``: compare spaCy with spacy-transformers and torch with spacy-lambda, side by side in one run.

Every measurement is a fresh process; the variants take turns, so that a slow minute of the machine slows all of them.
Figures are medians, and ratios are of medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from int8_limit import write_products
from models import MINILM, SCIBERT, build_original, compile_both
from official import ENGLISH, build_english
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from tables import Variant, as_markdown, as_table, write_readme

from spacy_lambda.core.pipelines import find_pipeline

HERE = Path(__file__).parent
ROOT = HERE.parent
WORK = ROOT / "build" / "bench"
PARAGRAPHS = 100

ORIGINAL_PYTHON = ROOT / ".venv-original" / "bin" / "python"
OUR_PYTHON = ROOT / ".venv-runtime" / "bin" / "python"


@dataclass(frozen=True)
class Plan:
    """Repetitions of each measurement.

    :param cold: Cold starts of each variant.
    :param warm: Processes in which warm calls are timed.
    :param pipe: Processes in which ``nlp.pipe`` is timed.
    """

    cold: int
    warm: int
    pipe: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--original", type=Path, help="a trained pipeline of your own, measured instead of these sizes")
    parser.add_argument("--calibrate", type=Path, help="texts for compiling it to int8")
    parser.add_argument("--rounds", type=int, default=7, help="cold starts of each variant")
    parser.add_argument("--json", type=Path, default=WORK / "results.json", help="where the figures go")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    arguments = parser.parse_args()
    console = Console()
    WORK.mkdir(parents=True, exist_ok=True)
    event = json.loads((ROOT / "examples" / "event.json").read_text(encoding="utf-8"))
    plan = Plan(cold=arguments.rounds, warm=max(3, arguments.rounds // 2), pipe=3)
    sizes: dict[str, Any] = {}
    for name, original, folder in originals(arguments.original, console):
        console.print(f"compiling {name}")
        compiled = compile_both(original, folder, arguments.calibrate)
        variants = {
            Variant.ORIGINAL: (ORIGINAL_PYTHON, original),
            Variant.FP32: (OUR_PYTHON, compiled["fp32"]),
            Variant.INT8: (OUR_PYTHON, compiled["int8"]),
        }
        sizes[name] = measure(variants, event["text"], plan)
        sizes[name]["int8 limit"] = measure_limit(compiled["int8"], event["text"], plan)
    results = {
        "measured_on": machine(),
        "installed": {
            Variant.ORIGINAL: work(ORIGINAL_PYTHON, Variant.ORIGINAL, "size", "spacy-transformers"),
            Variant.INT8: work(OUR_PYTHON, Variant.INT8, "size", "spacy-lambda"),
        },
        "sizes": sizes,
    }
    arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print(as_table(results))
    console.print(f"{results['measured_on']}; every figure: {arguments.json}")
    if arguments.readme:
        write_readme(ROOT / "README.md", as_markdown(results))


def originals(given: Path | None, console: Console) -> list[tuple[str, Path, Path]]:
    """Return the name, the original pipeline, and a folder for the compiled ones, of each size."""
    if given is not None:
        return [(given.name, given, WORK / f"given-{abs(hash(given.resolve()))}")]
    tokenizer = find_pipeline("en_scienceie_minilm") / "transformer" / "tokenizer.json"
    found = []
    for size, name in ((MINILM, "minilm"), (SCIBERT, "scibert")):
        console.print(f"building {size.name}")
        folder = WORK / name
        found.append((size.name, build_original(size, tokenizer, folder), folder))
    console.print(f"building {ENGLISH}")
    return [*found, (ENGLISH, build_english(WORK / "english"), WORK / "english")]


def measure(variants: dict[Variant, tuple[Path, Path]], text: str, plan: Plan) -> dict[str, Any]:
    """Take all measurements of one size; the variants take turns."""
    paragraphs = make_paragraphs(text)
    rounds: dict[Variant, dict[str, list[dict[str, float]]]] = {
        v: {"cold": [], "warm": [], "pipe": []} for v in variants
    }
    turns = [
        (what, payload)
        for what, payload, count in (
            ("cold", text, plan.cold),
            ("warm", text, plan.warm),
            ("pipe", paragraphs, plan.pipe),
        )
        for _ in range(count)
    ]
    with Progress(TextColumn("{task.description:<6}"), BarColumn(), MofNCompleteColumn(), transient=True) as progress:
        task = progress.add_task("", total=len(turns) * len(variants))
        for what, payload in turns:
            for variant, (python, path) in variants.items():
                progress.update(task, description=what)
                rounds[variant][what].append(work(python, variant, what, str(path), payload))
                progress.advance(task)
    return {variant: summary(found) for variant, found in rounds.items()}


def measure_limit(compiled: Path, text: str, plan: Plan) -> list[dict[str, float]]:
    """Measure the integer products of the int8 encoder without the rest of it, in processes of our environment."""
    file = WORK / "products.onnx"
    operations = write_products(compiled, file)
    payload = [str(file), text]
    return [
        {**work(OUR_PYTHON, Variant.INT8, "limit", str(compiled), payload), "operations": operations}
        for _ in range(plan.warm)
    ]


def work(python: Path, variant: Variant, what: str, target: str, payload: object = None) -> dict[str, float]:
    """Take one measurement in a fresh process of that variant's environment."""
    path = "original" if variant is Variant.ORIGINAL else "ours"
    begun = time.monotonic()
    done = subprocess.run(
        [python, HERE / "worker.py", what, target],
        input=json.dumps(payload),
        env={"PATH": os.environ["PATH"], "BENCH_PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{what} of {variant} failed:\n{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**result, "begun": begun}


def summary(found: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Return medians, the range of each figure, and every figure.

    A cold start ends with the first answer, before the process does.
    """
    cold = found["cold"]
    figures = {
        "cold_s": [one["answered"] - one["begun"] for one in cold],
        "load_s": [one["load_s"] for one in cold],
        "first_s": [one["first_s"] for one in cold],
        "peak_mb": [one["peak_mb"] for one in cold],
        "warm_ms": [one["ms"] for one in found["warm"]],
        "words_per_s": [one["words_per_s"] for one in found["pipe"]],
    }
    return {
        **{key: statistics.median(values) for key, values in figures.items()},
        "range": {key: [min(values), max(values)] for key, values in figures.items()},
        "rounds": found,
    }


def make_paragraphs(text: str) -> list[str]:
    """Return paragraphs of one to eight random sentences of the text, about as long as abstracts."""
    rng = random.Random(0)
    sentences = re.split(r"(?<=\.)\s+", text)
    return [" ".join(rng.choices(sentences, k=rng.randint(1, 8))) for _ in range(PARAGRAPHS)]


def machine() -> str:
    """Describe the machine."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    cpu = model[1] if model else platform.processor()
    cores = len(os.sched_getaffinity(0))
    return f"{cpu}, {cores} cores, Python {platform.python_version()}, files in the page cache"


if __name__ == "__main__":
    main()
