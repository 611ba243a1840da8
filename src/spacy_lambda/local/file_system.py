"""The folders that a function sees, as the options of its :mod:`~spacy_lambda.local.sandbox`.

As in Lambda its code is in ``/var/task``, and only ``/tmp`` can be written. This machine's other folders are visible
but read-only, so that its Python and its libraries work; of ``/tmp`` and of the user's home it sees what it needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from spacy_lambda.core.env_names import CACHE_VARIABLE
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import LocationError
from spacy_lambda.local.settings import TASK_FOLDER, FunctionSettings, Program

__all__ = ["inside", "sandbox_options", "why_unavailable"]

SANDBOX = Path(__file__).with_name("sandbox.py")
_PROBE_S = 30


def sandbox_options(settings: FunctionSettings, program: Program) -> tuple[str, ...]:
    """Return the options of the sandbox for a program with folders of this machine."""
    variables = {**program.variables, **settings.environment}
    writable = list(_writable(settings, program, variables))
    return (
        f"tmp={settings.storage_mb}",
        *(f"mount={place}={folder}" for folder, place in program.mounts.items()),
        *(f"read={path}" for path in sorted({*map(str, _needed(program, variables))})),
        *(f"write={folder}" for folder in writable),
    )


def inside(program: Program) -> Program:
    """Return a program as its process sees it, where the sandbox shows its folders."""
    return replace(
        program,
        folder=Path(TASK_FOLDER),
        task_root=Path(TASK_FOLDER),
        runtime_dir=Path(_moved(str(program.runtime_dir), program.mounts)),
        fixed={name: _moved(value, program.mounts) for name, value in program.fixed.items()},
    )


def why_unavailable(options: Iterable[str]) -> str | None:
    """Try a sandbox.

    :returns: The reason why the system does not allow it, or ``None``.
    """
    try:
        command = [sys.executable, "-I", "-S", str(SANDBOX), *options]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_PROBE_S, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return str(exc)
    return (done.stderr.strip().splitlines() or ["unknown"])[-1] if done.returncode else None


def _moved(text: str, mounts: Mapping[Path, str]) -> str:
    for folder, place in mounts.items():
        text = text.replace(str(folder), place)
    return text


def _writable(settings: FunctionSettings, program: Program, variables: Mapping[str, str]) -> Iterator[Path]:
    """Return the folders that stand for mounted file systems: those of the settings, and the cache.

    The cache of this process's own variables is made if it is missing.
    """
    yield from (folder.resolve() for folder in settings.mounts)
    if CACHE_VARIABLE in program.variables:
        with suppress(OSError):
            Path(program.variables[CACHE_VARIABLE]).mkdir(parents=True, exist_ok=True)
    cache = Path(variables.get(CACHE_VARIABLE, ""))
    if cache.is_absolute() and os.path.isdir(cache):
        yield cache


def _needed(program: Program, variables: Mapping[str, str]) -> Iterator[Path]:
    yield from _interpreter(program)
    yield from program.reads
    for value in variables.values():
        for named in {value, _local_path(value)}:
            # Path.exists raises an error if a text is too long for a name.
            if named.startswith("/") and Path(named) != Path("/tmp") and os.path.exists(named):
                yield Path(named)


def _local_path(value: str) -> str:
    """Return the path of a location on this machine, without ``@REF`` and digest; an empty string for other values."""
    try:
        location = parse_location(value)
    except LocationError:
        return ""
    return location.path if location.is_local else ""


def _interpreter(program: Program) -> Iterator[Path]:
    """Return the folders of the program's Python: the environment's, and that of the installation below it."""
    python = Path(program.command(())[0])
    yield python.parent.parent
    yield python.resolve().parent.parent
    if str(python) == sys.executable:
        yield from (Path(sys.prefix), Path(sys.base_prefix))
