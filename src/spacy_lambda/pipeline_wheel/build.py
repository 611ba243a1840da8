"""A pipeline's folder -> a wheel, as by ``spacy package``, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from spacy_lambda.core.files import ARCHIVE_TIME
from spacy_lambda.core.foreign_errors import NUMBER
from spacy_lambda.core.pipeline_meta import PipelineName, pipeline_name, read_meta, requirements_of
from spacy_lambda.errors import InvalidPipelineError, PackageError

__all__ = ["build_wheel"]


def build_wheel(pipeline: Path, scratch: Path, *, sections: Mapping[str, str] | None = None) -> Path:
    """Build a wheel.

    spaCy loads the pipeline for it, to collect its components' requirements. That runs code that the pipeline
    contains, which runs again where the wheel is installed and imported.

    :param scratch: An empty folder.
    :param sections: Texts of the model card, which is written unless the pipeline has a ``README.md``.
    :raises InvalidPipelineError: If a name or a requirement in its ``meta.json`` is invalid.
    :raises PackageError: If it cannot be built.
    """
    # spaCy makes folders of the names, and pip installs the requirements with the wheel.
    meta = read_meta(pipeline / "meta.json")
    _check_package(pipeline_name(meta))
    requirements_of(meta)
    requirements_of({"requirements": meta.get("setup_requires", [])})
    _run(
        pipeline,
        "spacy_lambda.pipeline_wheel.wheel_program",
        str(pipeline),
        str(scratch),
        json.dumps(dict(sections or {})),
    )
    (project,) = scratch.iterdir()
    # Without isolation: the installed setuptools is used, and nothing is downloaded.
    _run(pipeline, "build", "--wheel", "--no-isolation", str(project))
    (wheel,) = (project / "dist").glob("*.whl")
    return wheel


def _check_package(named: PipelineName) -> None:
    """Refuse a name of which no package can be made: its folder is imported, and the language is put before it."""
    if named.name.startswith(f"{named.lang}_"):
        raise InvalidPipelineError(
            f"the name {named.name!r} begins with the language, which is put before it: {named.package}",
            remedy=f"name it {named.name.removeprefix(f'{named.lang}_')!r} in its meta.json, or with --name",
        )
    if not (named.package.isascii() and named.package.isidentifier()):
        raise InvalidPipelineError(
            f"a package {named.package!r} cannot be imported",
            remedy="name it with ASCII letters, digits and '_' in its meta.json, or with --name",
        )


def _run(pipeline: Path, module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(ARCHIVE_TIME)},
    )
    if done.returncode:
        raise PackageError(
            f"building a wheel of {pipeline} failed: {_reason(done.stderr or done.stdout)}",
            remedy='install "spacy-lambda[hub]" and the pipeline\'s requirements, or build it with `spacy package`',
        )


def _reason(output: str) -> str:
    """Return the exception with which a program ended, without its traceback."""
    lines = output.strip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  ")]
    return NUMBER.sub("", "\n".join(lines[frames[-1] + 1 if frames else 0 :] or lines[-1:])[-1000:])
