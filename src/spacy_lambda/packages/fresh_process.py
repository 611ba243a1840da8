"""A program in a fresh process: of the user's environment it has only how this machine computes and where it looks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from spacy_lambda.errors import SpacyLambdaError

__all__ = ["run_fresh"]

KEPT = ("LANG", "LC_", "LD_LIBRARY_PATH", "MKL_", "OMP_", "OPENBLAS_", "PATH", "TZ")
"""Beginnings of the variables that the process gets. None is the user's own: no credentials reach a pipeline's code,
and nothing is relied on that a function does not have."""


def run_fresh(
    command: Sequence[str],
    *,
    home: Path,
    variables: Mapping[str, str],
    question: bytes = b"",
    timeout_s: float,
    who: str,
    error: type[SpacyLambdaError],
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that asks a pipeline.

    :param home: Its home, working folder and folder for temporary files.
    :param variables: What it gets besides.
    :param question: Its standard input.
    :param who: What it asks, for the error.
    :param error: What is raised when it does not end in time.
    """
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    try:
        return subprocess.run(
            command,
            input=question,
            cwd=home,
            env={**kept, "HOME": str(home), "TMPDIR": str(home), **variables},
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise error(
            f"{who} has not answered a few texts after {timeout_s:.0f} s",
            remedy="look for a component that waits for something that is not there, such as a server",
        ) from exc
