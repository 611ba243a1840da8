"""A pipeline's folder -> the wheel that ``spacy package`` makes of it, without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from spacy_lambda.core.files import ARCHIVE_TIME
from spacy_lambda.core.pipelines import read_meta, requirements_of
from spacy_lambda.errors import StoreError

__all__ = ["build_wheel"]


def build_wheel(pipeline: Path, scratch: Path) -> Path:
    """Build a wheel. The pipeline is loaded for it, because spaCy asks its components what they need.

    Code that the pipeline brings is run here, and again where the wheel is installed and imported.

    :param scratch: An empty folder for it.
    :raises InvalidPipelineError: When its ``meta.json`` names what cannot be the name of a file, or a requirement.
    :raises StoreError: When it cannot be built.
    :raises InvalidPipelineError: When its ``meta.json`` would lead the wheel out of the folder.
    """
    read_meta(pipeline / "meta.json")
    # spaCy makes folders of its names, and whoever installs the wheel installs its requirements.
    meta = read_meta(pipeline / "meta.json")
    requirements_of(meta)
    requirements_of({"requirements": meta.get("setup_requires", [])})
    _run(pipeline, "spacy_lambda.store.package_program", str(pipeline), str(scratch))
    (project,) = scratch.iterdir()
    # Without isolation, so that setuptools is the one that is installed and nothing is fetched.
    _run(pipeline, "build", "--wheel", "--no-isolation", str(project))
    (wheel,) = (project / "dist").glob("*.whl")
    return wheel


def _run(pipeline: Path, module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(ARCHIVE_TIME)},
    )
    if done.returncode:
        raise StoreError(
            f"no wheel can be built of {pipeline}: {(done.stderr or done.stdout).strip()[-1000:]}",
            remedy='pip install "spacy-lambda[hub]" and what the pipeline requires, or push a wheel of `spacy package`',
        )
