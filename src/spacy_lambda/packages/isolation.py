"""A pipeline in a fresh process that sees only a folder of packages, the pipeline itself and the system.

Both proofs use it: the compile's, that a compiled pipeline gives its original's predictions, and the bundle's, that
a bundle has all packages that its pipeline needs. Each brings a Python file of queries (see :mod:`.isolated_program`)
and evaluates the results.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_lambda.core.env_names import PIPELINE_VARIABLE, TASK_ROOT_VARIABLE
from spacy_lambda.errors import SpacyLambdaError
from spacy_lambda.packages.isolated_program import Failure

__all__ = ["IsolatedRun", "run_isolated"]

PROGRAM = Path(__file__).with_name("isolated_program.py")

INHERITED = ("LANG", "LC_", "LD_LIBRARY_PATH", "MKL_", "OMP_", "OPENBLAS_", "PATH", "TZ")
"""Prefixes of the environment variables that the process inherits. The user's own are not among them: no credentials
reach a pipeline's code, and the process relies on nothing that a function lacks."""

SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr/lib", "/usr/lib64", "/usr/share", "/lib", "/lib64", "/System")
TIMEOUT_S = 900
STDERR_LINES = 5


@dataclass(frozen=True)
class IsolatedRun:
    """The report of the process.

    :param failure: The exception with which it ended, if there was one.
    :param loading: ``True`` if the failure came before the pipeline was loaded.
    :param missing: Modules that were not found, each with the file that imports it.
    :param blocked: Files that were opened and that will be missing in the function.
    :param modules: Modules that came from the folder of packages.
    :param results: The result of the queries.
    :param load_s: Seconds that loading took.
    :param peak_mb: Peak memory without pages of mapped files, where the system reports it.
    """

    failure: Failure | None
    loading: bool
    missing: list[tuple[str, str]]
    blocked: list[str]
    modules: list[str]
    results: dict[str, Any] = field(default_factory=dict)
    load_s: float | None = None
    peak_mb: int | None = None


def run_isolated(
    queries: Path,
    request: Mapping[str, Any],
    *,
    root: Path,
    pipeline: Path,
    subject: str,
    error: type[SpacyLambdaError],
    python: str = sys.executable,
    block_files: bool = False,
    emulator: Sequence[str] = (),
) -> IsolatedRun:
    """Load and query a pipeline in a fresh process.

    :param queries: A Python file with ``load(pipeline)`` and ``query(loaded, request)``.
    :param request: For the queries; must be JSON, and is sent with ``root`` and ``pipeline``.
    :param root: The folder of packages, the only one on the path.
    :param subject: The pipeline's name in errors.
    :param error: Raised if the process does not end in time, or ends without a response.
    :param python: The interpreter.
    :param block_files: Keep it from opening files that are neither below ``root``, the pipeline's nor the system's;
        paths are then reported relative to the pipeline.
    :param emulator: A command that runs the interpreter on another CPU.
    """
    pipeline = pipeline.absolute()  # the process begins in another folder
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        home = Path(scratch, "home")
        home.mkdir()
        readable = _readable(scratch, root, pipeline) if block_files else None
        sent = {"root": str(root), "pipeline": str(pipeline), "queries": str(queries), "readable": readable, **request}
        files = Path(scratch, "request.json"), Path(scratch, "response.json")
        files[0].write_text(json.dumps(sent), encoding="utf-8")
        command = [*emulator, python, "-I", "-S", "-B", "-X", "utf8", str(PROGRAM), *map(str, files)]
        variables = {PIPELINE_VARIABLE: str(pipeline), TASK_ROOT_VARIABLE: str(root)}
        done = _run(command, home=home, variables=variables, subject=subject, error=error)
        response = _response(files[1], prefix=f"{pipeline}{os.sep}" if block_files else "")
    if done.returncode != 0 or response is None:
        last = "\n".join(done.stderr.decode("utf-8", "replace").strip().splitlines()[-STDERR_LINES:])
        raise error(
            f"the process that queried {subject} ended with {done.returncode}:\n{last}",
            remedy="find the component that ends the process or needs more memory than is available",
        )
    failure = response["failure"]
    return IsolatedRun(
        failure=None if failure is None else Failure(**failure),
        loading=response["loading"],
        missing=[(name, importer) for name, importer in response["missing"]],
        blocked=response["blocked"],
        modules=response["modules"],
        results=response.get("results", {}),
        load_s=response.get("load_s"),
        peak_mb=response.get("peak_mb"),
    )


def _run(
    command: Sequence[str], *, home: Path, variables: Mapping[str, str], subject: str, error: type[SpacyLambdaError]
) -> subprocess.CompletedProcess[bytes]:
    inherited = {name: value for name, value in os.environ.items() if name.startswith(INHERITED)}
    own = {"HOME": str(home), "TMPDIR": str(home), **variables}
    try:
        return subprocess.run(
            command, cwd=home, env=inherited | own, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise error(
            f"{subject} has not processed a few texts after {TIMEOUT_S} s",
            remedy="find the component that waits for something that is missing, such as a server",
        ) from exc


def _response(file: Path, *, prefix: str) -> dict[str, Any] | None:
    """Read the response, if the process has written one.

    :param prefix: The prefix to remove from its paths: a pipeline that is being compiled has another name in the end.
    """
    try:
        text = file.read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text.replace(prefix, "") if prefix else text)
    except (OSError, ValueError, RecursionError):
        return None
    return found


def _readable(scratch: str, root: Path, pipeline: Path) -> list[str]:
    folders = (scratch, str(root), str(pipeline))
    return [*folders, *map(os.path.realpath, folders), *_link_targets(root), *SYSTEM]


def _link_targets(root: Path) -> Iterator[str]:
    """Yield the targets of a task root's links."""
    for entry in root.iterdir():
        if entry.is_symlink():
            yield os.path.realpath(entry)
        elif entry.is_dir():
            yield from _link_targets(entry)
