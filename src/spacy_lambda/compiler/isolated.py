"""A compiled pipeline -> its answers, given by a fresh process that has only what the function will have."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_lambda.compiler.snapshot import Failure, Told
from spacy_lambda.errors import CompileError
from spacy_lambda.packages.base_install import LEFT_OUT
from spacy_lambda.packages.fresh_process import run_fresh
from spacy_lambda.packages.task_root import build_task_root

__all__ = ["BASE", "Asked", "ask"]

BASE = ("spacy-lambda",)
SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr/lib", "/usr/lib64", "/usr/share", "/lib", "/lib64", "/System")
TIMEOUT_S = 900
STDERR_LINES = 5


@dataclass(frozen=True)
class Asked:
    """What the fresh process found.

    :param failure: What kept the pipeline from loading or from answering events.
    :param components: Its components.
    :param texts: What each text brought about.
    :param answers: What the function answered.
    :param missing: Modules that were asked for in vain, and the file that asked.
    :param hidden: Files that it would have read and that will not be in the function.
    :param speed: How fast it is.
    :param torch_readers: What reads that which only spacy-transformers leaves on a Doc, and where.
    """

    failure: Failure | None
    missing: list[tuple[str, str]]
    hidden: list[str]
    torch_readers: list[str]
    components: list[str] = field(default_factory=list)
    texts: list[Told] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    speed: dict[str, Any] | None = None


def ask(folder: Path, requirements: Iterable[str], texts: Sequence[str], *, answerable: Sequence[str]) -> Asked:
    """Load a pipeline in a fresh process and ask it.

    :param requirements: What the function has besides the base install.
    :param texts: What it is asked, component by component.
    :param answerable: Those that it is also asked as the function is.
    :raises CompileError: When the process ends without an answer.
    :raises RequirementError: When a requirement is not installed here.
    """
    root = build_task_root(requirements, base=BASE, without=LEFT_OUT)
    try:
        with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
            home = Path(scratch, "home")
            home.mkdir()
            roots = [scratch, str(root.path), str(folder), *_targets(root.path), *SYSTEM]
            questions, answers = Path(scratch, "questions.json"), Path(scratch, "answers.json")
            asked = {
                "pipeline": str(folder),
                "texts": list(texts),
                "answerable": list(answerable),
                "roots": [*roots, *(os.path.realpath(one) for one in (scratch, root.path, folder))],
                "python": _python(),
            }
            questions.write_text(json.dumps(asked), encoding="utf-8")
            return _read(_run(root.path, home, questions, answers, shown_without=f"{folder}{os.sep}"))
    finally:
        root.remove()


def _run(root: Path, home: Path, questions: Path, answers: Path, *, shown_without: str) -> dict[str, Any]:
    """Run the program.

    :param shown_without: Left out of what it says: the pipeline's folder has another name in the end.
    """
    command = [
        sys.executable,
        "-S",
        "-s",
        "-P",
        "-m",
        "spacy_lambda.compiler.isolated_program",
        str(questions),
        str(answers),
    ]
    done = run_fresh(
        command,
        home=home,
        variables={"PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
        timeout_s=TIMEOUT_S,
        who="the compiled pipeline",
        error=CompileError,
    )
    if done.returncode != 0 or not answers.is_file():
        last = "\n".join(done.stderr.decode("utf-8", "replace").strip().splitlines()[-STDERR_LINES:])
        raise CompileError(
            f"the process that asked the compiled pipeline ended with {done.returncode}:\n{last}",
            remedy="look for a component that ends the process, or for one that needs more memory than there is",
        )
    found: dict[str, Any] = json.loads(answers.read_text(encoding="utf-8").replace(shown_without, ""))
    return found


def _read(found: dict[str, Any]) -> Asked:
    return Asked(
        failure=_failure(found["failure"]),
        missing=[(name, asker) for name, asker in found["missing"]],
        hidden=found["hidden"],
        torch_readers=found["torch"],
        components=found.get("components", []),
        speed=found.get("speed"),
        texts=[
            Told([(name, said) for name, said in told["steps"]], _failure(told["failure"]))
            for told in found.get("texts", [])
        ],
        answers=[_failure(one["failure"]) if "failure" in one else one["answer"] for one in found.get("answers", [])],
    )


def _failure(found: dict[str, Any] | None) -> Failure | None:
    return None if found is None else Failure(**found)


def _targets(root: Path) -> Iterator[str]:
    """Where the links of a task root lead."""
    for entry in root.iterdir():
        if entry.is_symlink():
            yield os.path.realpath(entry)
        elif entry.is_dir():
            yield from _targets(entry)


def _python() -> list[str]:
    """Where the standard library is."""
    found = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    return [*found, *(os.path.realpath(path) for path in found)]
