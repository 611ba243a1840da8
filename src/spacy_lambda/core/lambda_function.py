"""Settings of a Lambda function that this package supports, and their defaults."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "ARCHITECTURES",
    "DEFAULT_ARCHITECTURE",
    "DEFAULT_MEMORY_MB",
    "DEFAULT_PYTHON",
    "DEFAULT_TIMEOUT_S",
    "HANDLER",
    "PYTHONS",
    "Architecture",
    "Python",
    "log_group_name",
]

HANDLER = "spacy_lambda.runtime.handler.handler"

Python = Literal["3.12", "3.13", "3.14"]
"""Lambda's runtimes on Amazon Linux 2023."""

PYTHONS: tuple[Python, ...] = get_args(Python)
DEFAULT_PYTHON: Python = "3.13"

Architecture = Literal["x86_64", "arm64"]
"""Lambda's names; wheels and ``uname`` call ``arm64`` ``aarch64``."""

ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
DEFAULT_ARCHITECTURE: Architecture = "x86_64"

DEFAULT_MEMORY_MB = 2048
DEFAULT_TIMEOUT_S = 30


def log_group_name(function: str) -> str:
    """Return the name of the log group that Lambda writes a function's logs to."""
    return f"/aws/lambda/{function}"
