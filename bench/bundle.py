"""Measure a function in its unpacked zip: its cold start, and the bytes read from disk until its first prediction.

Cold starts: the bundle against a development environment of the same Python, with every file in the page cache. Fresh
processes in turn; from the start of the process to the handler's prediction.

Bytes read: spaCy, spacy-transformers and torch against the bundle, at SciBERT's size in int8, with none of their files
in the page cache at first. The figures are the pages in the cache afterwards, and the bytes that the kernel charged to
the process. The kernel reads ahead, so the disk's read-ahead is reported too. Files that are not evicted, such as libc,
count for neither side, and no other process may use the files meanwhile; this script's own Python stays in the cache.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import mmap
import os
import shutil
import statistics
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from models import SCIBERT, build_original, compile_both
from rich.console import Console
from rich.table import Table
from run import HERE, ORIGINAL_PYTHON, ROOT, WORK, machine

from spacy_lambda.bundler.build import BundleOptions
from spacy_lambda.bundler.build import bundle as make_bundle
from spacy_lambda.bundler.bytecode import find_python
from spacy_lambda.bundler.metadata import PIPELINE_FOLDER
from spacy_lambda.bundler.target import Target
from spacy_lambda.core.pipelines import find_pipeline

PIPELINE = "en_scienceie_minilm"
TARGET = Target("3.13", "x86_64")
PARTS_OF_PYTHON = """
import json, os, sys, sysconfig
library = os.path.join(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME"))
print(json.dumps([os.path.realpath(sys.executable), sysconfig.get_path("stdlib"), library]))
"""


@dataclass(frozen=True)
class Program:
    """A program to measure.

    :param python: The interpreter and its options.
    :param what: The measurement of ``worker.py``.
    :param pipeline: The pipeline's folder.
    :param packages: Folder of the installed packages.
    :param environ: Its environment variables.
    """

    python: tuple[str, ...]
    what: str
    pipeline: Path
    packages: Path
    environ: dict[str, str]

    def run(self, text: str) -> dict[str, Any]:
        """Return the worker's output, and the seconds until its prediction."""
        begun = time.monotonic()
        done = subprocess.run(
            [*self.python, HERE / "worker.py", self.what, self.pipeline],
            input=json.dumps(text),
            env={"PATH": os.environ["PATH"], **self.environ},
            cwd=self.packages,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{self.python[0]} with {self.pipeline} failed:\n{done.stderr}")
        output: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return {**output, "seconds": output.get("answered", time.monotonic()) - begun}

    def files(self) -> dict[Path, str]:
        """Return every file that it may read, by kind: python, packages or model."""
        parts = subprocess.run([self.python[0], "-c", PARTS_OF_PYTHON], capture_output=True, text=True, check=True)
        kinds = {path: "python" for part in json.loads(parts.stdout) for path in walk(Path(part))}
        kinds |= dict.fromkeys(walk(self.packages), "packages")
        return kinds | dict.fromkeys(walk(self.pipeline), "model")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="warm cold starts of each")
    parser.add_argument("--reads", type=int, default=3, help="how often the bytes read are counted")
    parser.add_argument("--json", type=Path, default=WORK / "bundle.json", help="where the figures go")
    arguments = parser.parse_args()
    console = Console()
    python = find_python(TARGET)
    if python is None:
        raise SystemExit(f"Python {TARGET.python} is not installed here")
    text = json.loads((ROOT / "examples" / "event.json").read_text(encoding="utf-8"))["text"]
    minilm = find_pipeline(PIPELINE)
    original = build_original(SCIBERT, minilm / "transformer" / "tokenizer.json", WORK / "scibert")
    scibert = compile_both(original, WORK / "scibert", None)["int8"]
    tree, venv = unpacked_bundle(WORK / "bundle"), development(python, WORK / f"venv{TARGET.python.replace('.', '')}")
    ours = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "LAMBDA_TASK_ROOT": str(tree)}

    def bundle(pipeline: Path) -> Program:
        return Program((python, "-S", "-s"), "handler", pipeline, tree, ours)

    def installed(pipeline: Path) -> Program:
        return Program((str(venv / "bin" / "python"),), "handler", pipeline, venv, {})

    plain = Program((str(ORIGINAL_PYTHON),), "cold", original, ORIGINAL_PYTHON.parents[1], {"BENCH_PATH": "original"})
    starts = cold_starts(
        {
            "MiniLM": {"bundle": bundle(tree / PIPELINE_FOLDER), "development": installed(minilm)},
            "SciBERT's size": {"bundle": bundle(scibert), "development": installed(scibert)},
        },
        text,
        arguments.rounds,
    )
    reads = {
        name: [count_reads(program, text) for _ in range(arguments.reads)]
        for name, program in {"original": plain, "bundle": bundle(scibert)}.items()
    }
    disk = os.stat(tree).st_dev
    ahead = Path(f"/sys/class/bdi/{os.major(disk)}:{os.minor(disk)}/read_ahead_kb").read_text(encoding="ascii").strip()
    measured_on = f"{machine().partition(', Python')[0]}, Python {TARGET.python}; the disk reads {ahead} KiB ahead"
    results = {"measured_on": measured_on, "cold_s": starts, "reads": reads}
    arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print(start_table(starts), read_table(reads))
    console.print(f"{measured_on}; every figure, and the bytes read of each file: {arguments.json}")


def unpacked_bundle(folder: Path) -> Path:
    """Build the contents of ``/var/task``; the caller may run a larger pipeline than the one in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = make_bundle(PIPELINE, folder / "bundle.zip", BundleOptions(target=TARGET, package_type="zip"))
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(folder / "task")
    return folder / "task"


def development(python: str, venv: Path) -> Path:
    """Install the base package as a developer does, once."""
    if not (venv / "ready").exists():
        subprocess.run([python, "-m", "venv", "--clear", venv], check=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), "-e", str(ROOT)], check=True)
        (venv / "ready").touch()
    return venv


def cold_starts(sizes: dict[str, dict[str, Program]], text: str, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Measure the seconds of each, after one start that brings the files into the page cache."""
    times: dict[str, dict[str, list[float]]] = {}
    for size, programs in sizes.items():
        answers = [program.run(text)["answer"] for program in programs.values()]
        if any(answer != answers[0] for answer in answers):
            raise SystemExit(f"{size}: the predictions differ")
        times[size] = {name: [] for name in programs}
        for _ in range(rounds):
            for name, program in programs.items():
                times[size][name].append(program.run(text)["seconds"])
    return times


def count_reads(program: Program, text: str) -> dict[str, Any]:
    """Measure the megabytes that one start brings into the page cache, by kind and by file, and those it is charged."""
    files = program.files()
    os.sync()
    for path in files:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    before = sum(map(resident, files))
    output = program.run(text)
    found = {path: megabytes for path in files if (megabytes := resident(path))}
    kinds = {kind: sum(found[path] for path in found if files[path] == kind) for kind in set(files.values())}
    largest = {str(path): found[path] for path in sorted(found, key=lambda path: -found[path])}
    counted = {"before": before, "process": output["read_mb"], "seconds": output["seconds"]}
    return {**kinds, "together": sum(found.values()), **counted, "files": largest}


def resident(path: Path) -> float:
    """Return the megabytes of a file in the page cache."""
    size = path.stat().st_size
    pages = np.zeros(-(-size // mmap.PAGESIZE), dtype=np.uint8)
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as mapped:
        view = np.frombuffer(mapped, dtype=np.uint8)
        address, out = ctypes.c_void_p(view.ctypes.data), ctypes.c_void_p(pages.ctypes.data)
        failed = ctypes.CDLL(None, use_errno=True).mincore(address, ctypes.c_size_t(size), out)
        del view
    if failed:
        raise OSError(ctypes.get_errno(), "mincore", str(path))
    return int((pages & 1).sum()) * mmap.PAGESIZE / 1e6


def walk(root: Path) -> Iterator[Path]:
    """Yield the non-empty files of a folder, or the file itself; no links, and no packages in Python's own folder."""
    for path in root.rglob("*") if root.is_dir() else (root,):
        other = root.name.startswith("python") and "site-packages" in path.parts
        if not other and path.is_file() and not path.is_symlink() and path.stat().st_size:
            yield path


def start_table(starts: dict[str, dict[str, list[float]]]) -> Table:
    """Return a table of medians and minima."""
    table = Table("cold start, files in the page cache", "bundle", "development environment", "bundle / development")
    for size, times in starts.items():
        medians = [statistics.median(seconds) for seconds in times.values()]
        cells = [f"{statistics.median(seconds):.3f} s (from {min(seconds):.3f})" for seconds in times.values()]
        table.add_row(size, *cells, f"{medians[0] / medians[1]:.2f}×")
    return table


def read_table(reads: dict[str, list[dict[str, Any]]]) -> Table:
    """Return a table of medians."""
    table = Table("read until the first prediction", "original", "bundle", "original / bundle")
    lines = {"python": "Python", "packages": "packages", "model": "model", "together": "total"}
    lines |= {"process": "charged to the process", "before": "in the page cache before"}
    for key, title in lines.items():
        ours, theirs = (statistics.median(one[key] for one in reads[name]) for name in ("bundle", "original"))
        ratio = f"{theirs / ours:.2f}×" if ours > 0.1 else ""
        table.add_row(title, f"{theirs:,.1f} MB", f"{ours:,.1f} MB", ratio)
    return table


if __name__ == "__main__":
    main()
