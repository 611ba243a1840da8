"""``make bench-others``: the encoders of spacy-lambda beside those of torch, OpenVINO and CTranslate2.

    python bench/others.py [--original PATH [--calibrate TEXTS] [--texts TEXTS]] [--rounds N] [--calls N]

Every engine gets the same windows, on the same CPUs, with as many threads, in a process of its own; they take turns,
in another order in each round. A row has the median time of the encoder on the text of examples/event.json, with the
range of the rounds' medians; its ratio to torch's; the root mean square of the hidden states' error on other texts,
relative to their own; and F1 of the entities against the original's, with the engine as the encoder of the compiled
pipeline. Without an original, the encoders have random weights: the speed is that of trained ones, and the error and
the entities are not. Without --calibrate, int8 is calibrated on random wordpieces. An engine that is not installed, or
that fails, is reported in a line.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from engines import CALIBRATED, CALIBRATION, ENGINES, ORIGINAL, REFERENCE, TEXTS, TRANSFORMER
from models import MINILM, SCIBERT, build_original, compile_both
from rich.console import Console
from rich.table import Table
from run import HERE, ROOT, machine, make_paragraphs

from spacy_lambda.core.pipelines import find_pipeline

WORK = ROOT / "build" / "bench" / "others"
WIDTH = 110
COLUMNS = ("", "encoder", "against torch", "error", "entities' F1", "windows")


class Process:
    """An engine, running.

    :param log: A file for what its libraries print.
    """

    def __init__(self, name: str, folder: Path, threads: int, log: Path) -> None:
        self.name, self._log = name, log
        variables = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
        variables["CI"] = "true"  # OpenVINO sends nothing to its makers then
        with log.open("wb") as stderr:
            command = [sys.executable, str(HERE / "engines.py"), name, str(folder), str(threads)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=variables, text=True
            )

    def ask(self, *request: object) -> Any:
        """Return the response to a request.

        :raises EOFError: If the process has ended; with the last line that it printed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            last = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise EOFError("".join(last) or f"it ended with {self._process.wait()}")
        return json.loads(line)

    def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Measured:
    """The figures of one engine.

    :param form: How it takes the windows of a text.
    :param ms: Median milliseconds of each round.
    """

    form: str
    error: float
    f1: float | None
    ms: list[float] = field(default_factory=list)


def main() -> None:
    """Measure every size, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--original", type=Path, help="a trained pipeline with spacy-transformers")
    parser.add_argument("--calibrate", type=Path, help="texts with which int8 is calibrated")
    parser.add_argument("--texts", type=Path, help="other texts, to compare hidden states and entities on")
    parser.add_argument("--limit", type=int, default=50, help="texts to compare on at most")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=7, help="timed calls of each engine in a round")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    console = Console(soft_wrap=True)
    console.width = max(console.width, WIDTH)
    event = json.loads((ROOT / "examples" / "event.json").read_text(encoding="utf-8"))
    markdown = []
    for title, original in originals(arguments.original):
        console.print(f"preparing {title}")
        folder = prepare(original, arguments.calibrate)
        write_texts(folder, event["text"], arguments)
        size, found = measure(folder, arguments, console)
        rows = list(cells(found))
        work = f"{title}: {size['windows']} windows, {size['wordpieces']} wordpieces, threads: {arguments.threads}"
        console.print(as_table(work, rows))
        markdown += [f"| **{work}** |{' |' * (len(COLUMNS) - 1)}", *(f"| {' | '.join(row)} |" for row in rows)]
    file = WORK / "results.md"
    header = [f"| {' | '.join(COLUMNS)} |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    text = "\n".join([*header, *markdown, "", f"Medians, and ranges of {arguments.rounds} rounds; {machine()}."])
    file.write_text(text + "\n", encoding="utf-8")
    console.print(f"{machine()}; as Markdown: {file}")


def originals(given: Path | None) -> list[tuple[str, Path]]:
    """Return the title and the original of each size."""
    if given is not None:
        return [(given.name, given.absolute())]
    tokenizer = find_pipeline("en_scienceie_minilm") / "transformer" / "tokenizer.json"
    return [
        (size.name, build_original(size, tokenizer, WORK.parent / name))
        for size, name in ((MINILM, "minilm"), (SCIBERT, "scibert"))
    ]


def prepare(original: Path, calibrate: Path | None) -> Path:
    """Return a folder with the original, compiled and in the form that other engines read; it is kept for later."""
    key = hashlib.sha256(f"{original} {calibrate and calibrate.absolute()}".encode()).hexdigest()[:16]
    folder = WORK / key
    if not (folder / TRANSFORMER).exists():
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / ORIGINAL).is_symlink():
            (folder / ORIGINAL).symlink_to(original)
        compile_both(original, folder, calibrate)
        write_transformer(original, folder, calibrate)
    return folder


def write_transformer(original: Path, folder: Path, calibrate: Path | None) -> None:
    """Write the original's encoder as Hugging Face's transformers does, and windows for calibration."""
    from spacy_lambda.compiler.encode import calibration_windows
    from spacy_lambda.compiler.inspection import inspect_original
    from spacy_lambda.compiler.texts import read_docs

    found = inspect_original(original)
    (part,) = found.transformers
    texts = [doc.text for doc in read_docs(calibrate, found.nlp)] if calibrate else []
    windows = calibration_windows(part, texts)[:CALIBRATED]
    (folder / CALIBRATION).write_text(json.dumps([list(map(int, one)) for one in windows]), encoding="utf-8")
    model = found.nlp.get_pipe(part.name).model
    new = folder / "new"
    model.transformer.save_pretrained(new)
    model.tokenizer.save_pretrained(new)
    new.rename(folder / TRANSFORMER)


def write_texts(folder: Path, first: str, arguments: argparse.Namespace) -> None:
    """Write the text that is timed, then those that are compared."""
    others = make_paragraphs(first)
    if arguments.texts:
        import spacy

        from spacy_lambda.compiler.texts import read_docs

        others = [doc.text for doc in read_docs(arguments.texts, spacy.blank("en"))]
    (folder / TEXTS).write_text(json.dumps([first, *others[: arguments.limit]]), encoding="utf-8")


def measure(
    folder: Path, arguments: argparse.Namespace, console: Console
) -> tuple[dict[str, Any], dict[str, Measured]]:
    """Compare every engine with the original, then time all of them in turns."""
    processes: dict[str, Process] = {}
    found: dict[str, Measured] = {}
    size: dict[str, Any] = {}
    expected: tuple[Any, Any] | None = None
    try:
        for name in ENGINES:
            process = Process(name, folder, arguments.threads, folder / f"{name}.log")
            processes[name] = process
            try:
                described = process.ask("describe")
                compared = process.ask("compare", str(folder / "hidden.npy"))
            except EOFError as exc:
                console.print(f"{name} is left out: {exc}", markup=False)
                processes.pop(name).end()
                continue
            states = np.load(folder / "hidden.npy"), compared["entities"]
            expected = states if expected is None else expected
            size = described
            found[name] = Measured(described["form"], error(states[0], expected[0]), f1(states[1], expected[1]))
        for number in range(arguments.rounds):
            names = list(processes)
            turn = number % len(names)
            for name in (*names[turn:], *names[:turn]):
                found[name].ms.append(statistics.median(processes[name].ask("time", arguments.calls)["ms"]))
    finally:
        for process in processes.values():
            process.end()
    return size, found


def cells(found: dict[str, Measured]) -> Any:
    """Yield the table's rows."""
    base = statistics.median(found[REFERENCE].ms) if REFERENCE in found else None
    for name, one in found.items():
        median = statistics.median(one.ms)
        yield (
            name,
            f"{median:.1f} ms, {min(one.ms):.1f}–{max(one.ms):.1f}",
            "" if base is None else f"{base / median:.2f}×",
            f"{one.error:.4f}",
            "" if one.f1 is None else f"{one.f1:.3f}",
            one.form,
        )


def as_table(title: str, rows: list[tuple[str, ...]]) -> Table:
    """Return the table for the terminal."""
    table = Table(*COLUMNS, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    return table


def error(found: Any, expected: Any) -> float:
    """Return the root mean square of the differences, relative to that of the expected values."""
    return float(np.sqrt(np.square(found - expected).mean() / np.square(expected).mean()))


def f1(found: list[list[list[object]]], expected: list[list[list[object]]]) -> float | None:
    """Return the F1 of entities; ``None`` without any."""
    pairs = [({*map(tuple, a)}, {*map(tuple, b)}) for a, b in zip(found, expected, strict=True)]
    total = sum(len(a) + len(b) for a, b in pairs)
    return 2 * sum(len(a & b) for a, b in pairs) / total if total else None


if __name__ == "__main__":
    main()
