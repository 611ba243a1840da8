"""What a cold start consists of, and what each measure that shortens it gains.

    python bench/cold_start.py [--rounds N] [--cpus N] [--json FILE]

Two sizes of pipelines at int8, in fresh processes of the runtime's environment that take turns, with their files in the
page cache. First the parts, one after the other: the interpreter, spaCy with numpy and thinc, onnxruntime, the
pipeline, the first text and a second one. Then the cold start with each measure undone. The least that is left is what
Python and the libraries take before there is a pipeline, and the second text: no ratio to torch's can be higher.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from cold_variants import PARTS, UNDO
from models import MINILM, SCIBERT, compile_both
from rich.console import Console
from rich.table import Table
from run import HERE, ORIGINAL_PYTHON, OUR_PYTHON, ROOT, WORK, machine, originals, work
from tables import Variant

NAMES = ("python", "spaCy", "onnxruntime", "load", "first", "second")
LEAST = ("python", "spaCy", "onnxruntime", "second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="cold starts of each variant")
    parser.add_argument("--cpus", type=int, help="CPUs that the processes may use")
    parser.add_argument("--json", type=Path, default=WORK / "cold.json", help="where the figures go")
    arguments = parser.parse_args()
    if arguments.cpus:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cpus])
    console = Console()
    WORK.mkdir(parents=True, exist_ok=True)
    text = json.loads((ROOT / "examples" / "event.json").read_text(encoding="utf-8"))["text"]
    results: dict[str, Any] = {"measured_on": machine(), "sizes": {}}
    for name, original, folder in originals(None, console):
        if name in (MINILM.name, SCIBERT.name):
            results["sizes"][name] = measure(
                original, compile_both(original, folder, None)["int8"], text, arguments.rounds
            )
            console.print(as_table(name, results["sizes"][name]))
    console.print(results["measured_on"])
    arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measure(original: Path, compiled: Path, text: str, rounds: int) -> dict[str, Any]:
    """Take turns between the variants and the original; return every figure in seconds."""
    totals: dict[str, list[float]] = {variant: [] for variant in (Variant.ORIGINAL, *UNDO)}
    parts: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(rounds):
        found = work(ORIGINAL_PYTHON, Variant.ORIGINAL, "cold", str(original), text)
        totals[Variant.ORIGINAL].append(found["answered"] - found["begun"])
        begun = time.monotonic()
        for (_, before), (name, after) in itertools.pairwise({"begun": begun, **start(PARTS, compiled, text)}.items()):
            parts[name].append(after - before)
        for variant in UNDO:
            begun = time.monotonic()
            totals[variant].append(start(variant, compiled, text)["first"] - begun)
    return {"totals": totals, "parts": parts}


def start(variant: str, compiled: Path, text: str) -> dict[str, float]:
    """Start a process; return when each part of its cold start was done."""
    done = subprocess.run(
        [OUR_PYTHON, HERE / "cold_variants.py", variant, compiled],
        input=text,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    marks: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return marks


def as_table(title: str, found: dict[str, Any]) -> Table:
    """Return the parts, the variants and the least that is left, as a table."""
    table = Table("", "median", "range", "ratio to torch", title=title)
    parts, totals = found["parts"], found["totals"]
    for name in NAMES:
        table.add_row(f"  {name}", *figures(parts[name]), "")
    table.add_section()
    base = statistics.median(totals[Variant.ORIGINAL])
    for variant, values in totals.items():
        table.add_row(variant, *figures(values), f"{base / statistics.median(values):.1f}×")
    floor = [sum(one) for one in zip(*(parts[name] for name in LEAST), strict=True)]
    table.add_section()
    table.add_row("the least that is left", *figures(floor), f"{base / statistics.median(floor):.1f}×")
    return table


def figures(values: list[float]) -> tuple[str, str]:
    """Return the median and the range."""
    return f"{statistics.median(values):.3f} s", f"{min(values):.3f}–{max(values):.3f}"


if __name__ == "__main__":
    main()
