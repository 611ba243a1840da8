"""This machine: Python, disk space, caches."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from spacy_lambda.config.toml_file import WORK_FOLDER
from spacy_lambda.core.env_names import CACHE_VARIABLE
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.deploy.cdk_cli import cache_folder
from spacy_lambda.deploy.work_folder import work_folder_problem
from spacy_lambda.doctor.finding import EVERY_STAGE, Finding, Stage, problem_of
from spacy_lambda.runtime.cache.settings import read_settings

__all__ = [
    "DEPLOYING",
    "FOLDER",
    "OLDEST_PYTHON",
    "SPACE_BYTES",
    "WRITING",
    "check_caches",
    "check_python",
    "check_space",
    "check_work_folder",
    "current_folder",
]

OLDEST_PYTHON = (3, 11)
SPACE_BYTES = 2 * 10**9
"""A bundle's wheels, its tree, the zip, and the copy in which it is proved, of a pipeline that a zip can hold."""

FOLDER = "project's folder"
DEPLOYING: frozenset[Stage] = frozenset({"rehearse", "deploy"})
WRITING: frozenset[Stage] = DEPLOYING | {"compile", "bundle"}


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> list[Finding]:
    """Check this interpreter."""
    found = f"{'.'.join(map(str, version))}, {platform.system()} {platform.machine()}, {sys.executable}"
    oldest = ".".join(map(str, OLDEST_PYTHON))
    if version[:2] < OLDEST_PYTHON:
        return [Finding("Python", f"{found}; {oldest} or later is needed", f"uv venv --python {oldest}", EVERY_STAGE)]
    return [Finding("Python", found)]


def current_folder() -> Path | Finding:
    """Return the current folder; a finding if it does not exist any more."""
    try:
        return Path.cwd()
    except OSError as exc:
        what = f"the current folder cannot be used: {system_reason(exc)}"
        return Finding(FOLDER, what, "cd to a folder that exists", EVERY_STAGE)


def check_space(folder: Path) -> list[Finding]:
    """Check the space where bundles and temporary files are written.

    :param folder: The folder of the project.
    """
    places = {str(folder): shutil.disk_usage(folder).free}
    places.setdefault(tempfile.gettempdir(), shutil.disk_usage(tempfile.gettempdir()).free)
    detail = ", ".join(f"{free / 1e9:.1f} GB free in {place}" for place, free in places.items())
    if min(places.values()) < SPACE_BYTES:
        needed = f"{detail}; bundles need about {SPACE_BYTES / 1e9:.0f} GB"
        return [Finding("disk", needed, "free disk space, or set TMPDIR to a folder on another disk", WRITING)]
    return [Finding("disk", detail)]


def check_work_folder(folder: Path) -> list[Finding]:
    """Check that deployments can write their bundles and templates.

    :param folder: The folder of the project.
    """
    problem, work = work_folder_problem(folder), folder / WORK_FOLDER
    if problem is not None:
        return [problem_of(FOLDER, problem, blocks=DEPLOYING)]
    if not _is_writable(work):
        remedy = f"make {folder} writable, or copy the project to a folder that is"
        return [Finding(FOLDER, f"cannot write to {work}, as deployments do", remedy, DEPLOYING)]
    return [Finding(FOLDER, str(folder))]


def check_caches() -> list[Finding]:
    """Check that the folders for downloads can be written to."""
    folders = {"the CDK": cache_folder(), "pipelines": read_settings(os.environ).root}
    detail = ", ".join(f"{folder} ({what})" for what, folder in folders.items())
    denied = [str(folder) for folder in folders.values() if not _is_writable(folder)]
    if denied:
        remedy = f"set XDG_CACHE_HOME and {CACHE_VARIABLE} to folders that you can write to"
        return [Finding("caches", f"cannot write to {', '.join(denied)}", remedy, DEPLOYING)]
    return [Finding("caches", detail)]


def _is_writable(folder: Path) -> bool:
    """Return whether a folder, or the one in which it would be made, can be written to."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
