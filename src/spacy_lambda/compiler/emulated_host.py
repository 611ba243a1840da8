"""A compiled pipeline in a process on another CPU, which qemu-user emulates."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.errors import VerifyError
from spacy_lambda.packages.isolation import run_isolated
from spacy_lambda.packages.task_root import function_task_root

__all__ = ["HASWELL", "NEOVERSE_N1_NAME", "EmulatedHost", "make_neoverse_n1"]

QUERIES = Path(__file__).with_name("host_queries.py")
X86_64 = ("x86_64", "AMD64")
PYTHON = re.compile(r"python(3\.\d+)")

Packages = Callable[[Path], AbstractContextManager[Path]]
"""Gives the task root of a pipeline's function while it is needed."""


def _installed(pipeline: Path) -> AbstractContextManager[Path]:
    return function_task_root(read_meta(pipeline / "meta.json").get("requirements", ()))


@dataclass(frozen=True)
class EmulatedHost:
    """A CPU that qemu-user emulates, and the Python that runs on it.

    :param name: Its name in reports.
    :param emulator: The program of qemu-user.
    :param cpu: QEMU's name of the CPU.
    :param packages: The function's packages for this CPU.
    :param python: The interpreter; by default this one.
    :param root: The folder in which the interpreter finds the files of its system; ``None`` for this machine's.
    """

    name: str
    emulator: str
    cpu: str
    packages: Packages = _installed
    python: str = sys.executable
    root: Path | None = None

    def obstacle(self, find: Callable[[str], str | None] = shutil.which) -> str | None:
        """Return the reason why it cannot be emulated, if there is one.

        :param find: Finds a program.
        """
        if self.root is None and platform.machine() not in X86_64:
            return f"this machine is {platform.machine()}, not x86_64"
        if find(self.emulator) is None:
            return f"{self.emulator} is not installed: apt-get install qemu-user"
        return None

    def command(self, emulator: str) -> tuple[str, ...]:
        """Return the command that runs the interpreter.

        :param emulator: The program's path.
        """
        return (emulator, "-cpu", self.cpu, *(() if self.root is None else ("-L", str(self.root))))

    def query(self, pipeline: Path, texts: Sequence[str], emulator: str) -> list[str]:
        """Return the Docs of texts, from a process that has the function's packages alone.

        :param pipeline: The compiled pipeline's folder.
        :param texts: The texts.
        :param emulator: The program's path.
        :raises VerifyError: If the process fails.
        :raises SpacyLambdaError: If the packages are missing.
        """
        with self.packages(pipeline) as root:
            done = run_isolated(
                QUERIES,
                {"texts": list(texts)},
                root=root,
                pipeline=pipeline,
                subject="the pipeline on an emulated CPU",
                error=VerifyError,
                python=self.python,
                emulator=self.command(emulator),
            )
        if done.failure is not None:
            raise VerifyError(
                f"the pipeline fails on an emulated CPU: {done.failure.kind}: {done.failure.message}",
                remedy="run it there to find the reason",
            )
        found: list[str] = done.results["docs"]
        return found


HASWELL = EmulatedHost("an emulated Haswell, without VNNI", "qemu-x86_64", "Haswell")
NEOVERSE_N1_NAME = "an emulated Neoverse N1, Graviton2's core"


def make_neoverse_n1(root: Path, packages: Callable[[Path, str], AbstractContextManager[Path]]) -> EmulatedHost:
    """Return a Neoverse N1, the core of Graviton2.

    :param root: A folder with an arm64 Python in ``usr/bin`` and an arm64 ``proc/cpuinfo``, without which onnxruntime
        crashes.
    :param packages: The function's packages for that Python: from the pipeline's folder, and ``3.13``.
    :raises VerifyError: If one of the two files is missing.
    """
    root = root.absolute()
    pythons = [(path, match[1]) for path in root.glob("usr/bin/python3.*") if (match := PYTHON.fullmatch(path.name))]
    if not pythons or not (root / "proc" / "cpuinfo").is_file():
        raise VerifyError(
            f"{root} has no arm64 Python (usr/bin/python3.13, proc/cpuinfo)",
            remedy=f"make it from a checkout of spacy-lambda: scripts/make_arm64_root.sh {root}",
        )
    path, version = pythons[0]
    return EmulatedHost(
        NEOVERSE_N1_NAME,
        "qemu-aarch64",
        "neoverse-n1",
        packages=lambda pipeline: packages(pipeline, version),
        python=str(path),
        root=root,
    )
