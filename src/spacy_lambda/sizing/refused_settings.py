"""Settings that Lambda refuses, alone or together."""

from __future__ import annotations

from collections.abc import Iterator

from spacy_lambda.core.lambda_function import ARCHITECTURES, PYTHONS
from spacy_lambda.core.lambda_limits import (
    FREE_EPHEMERAL_MB,
    MAX_EPHEMERAL_BYTES,
    MAX_MEMORY_MB,
    MAX_TIMEOUT_S,
    MIN_MEMORY_MB,
)
from spacy_lambda.sizing.check_options import CheckOptions
from spacy_lambda.sizing.verdict import LimitFinding, fails, ok

__all__ = ["check_settings"]

MAX_EPHEMERAL_MB = MAX_EPHEMERAL_BYTES >> 20


def check_settings(options: CheckOptions) -> list[LimitFinding]:
    """Return the settings that are refused, or one finding that none is.

    SnapStart: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html.
    """
    refused = [fails("settings", detail, remedy) for detail, remedy in _refused(options)]
    return refused or [ok("settings", _described(options))]


def _refused(options: CheckOptions) -> Iterator[tuple[str, str]]:
    if not MIN_MEMORY_MB <= options.memory_mb <= MAX_MEMORY_MB:
        limits = f"{MIN_MEMORY_MB} to {MAX_MEMORY_MB:,} MB"
        yield f"memory of {options.memory_mb:,} MB; Lambda has {limits}", f"choose {limits}"
    if not 0 < options.timeout_s <= MAX_TIMEOUT_S:
        yield (
            f"a timeout of {options.timeout_s:g} s; the maximum is {MAX_TIMEOUT_S} s",
            f"choose 1 to {MAX_TIMEOUT_S} s",
        )
    if not FREE_EPHEMERAL_MB <= options.ephemeral_mb <= MAX_EPHEMERAL_MB:
        limits = f"{FREE_EPHEMERAL_MB} to {MAX_EPHEMERAL_MB:,} MB"
        yield f"/tmp of {options.ephemeral_mb:,} MB; Lambda has {limits}", f"choose {limits}"
    if options.architecture not in (None, *ARCHITECTURES):
        yield f"unknown architecture {options.architecture!r}", f"choose {' or '.join(ARCHITECTURES)}"
    if options.python not in (None, *PYTHONS):
        yield f"Lambda has no runtime for Python {options.python}", f"choose {', '.join(PYTHONS)}"
    if options.snapstart:
        yield from _with_snapstart(options)


def _with_snapstart(options: CheckOptions) -> Iterator[tuple[str, str]]:
    off = "turn off SnapStart"
    if options.efs:
        yield "SnapStart with a file system: Lambda refuses it", f'{off}, or write shape = "image"'
    if options.ephemeral_mb > FREE_EPHEMERAL_MB:
        yield f"SnapStart with /tmp over {FREE_EPHEMERAL_MB} MB: Lambda refuses it", f"{off}, or use less of /tmp"
    if options.provisioned:
        yield "SnapStart with provisioned concurrency: Lambda refuses it", f"{off}, or the other"


def _described(options: CheckOptions) -> str:
    parts = [f"{options.memory_mb:,} MB", f"timeout {options.timeout_s:g} s"]
    parts += [] if options.architecture is None else [options.architecture]
    parts += [] if options.python is None else [f"Python {options.python}"]
    named = {"SnapStart": options.snapstart, "provisioned concurrency": options.provisioned, "EFS": options.efs}
    return ", ".join([*parts, *(name for name, chosen in named.items() if chosen)])
