"""The CDK's command line, in the pinned version that reads our cloud assemblies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.core.env_names import CDK_VARIABLE
from spacy_lambda.core.files import folder_beside
from spacy_lambda.core.foreign_errors import is_disk_full
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.node import node_environment, npm_command
from spacy_lambda.deploy.stages import Stage, begin
from spacy_lambda.errors import DeployError

__all__ = ["CDK_VARIABLE", "NPM_PACKAGE", "VERSION", "Cdk", "cache_folder", "find_cdk", "installed_cdk"]

VERSION = "2.1148.1"
"""npm's tag ``latest`` of aws-cdk is an older line that cannot read current cloud assemblies."""

NPM_PACKAGE = f"aws-cdk@{VERSION}"
"""npm's name of the pinned version."""

NO_DIFFERENCES = "There were no differences"
NOISE_PREFIXES = ("✨", "(NOTE: ")
FAILURE = "❌"
LAST_LINES = 15
PUBLISHING = re.compile(r": (?:start|success): (?:Building|Publishing|Built|Published) |: assets built")
CHANGE_SET = "creating CloudFormation changeset"
RESOURCE = re.compile(r" \| +(?P<done>\d+)/(?P<total>\d+) \| ")
LOGICAL_ID = re.compile(r" \(\w+\)(?= |$)")
EVENT_PARTS = 6
"""Parts of the line of an event: stack, count, time, state, type, name; after a failure also its reason."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Cdk:
    """The command line.

    :param command: Its file.
    :param environ: Its environment variables; a Node that is new enough is first on ``PATH``.
    """

    command: Path
    environ: dict[str, str]

    def run(self, *arguments: str, on_line: Callable[[str], None] = lambda line: None) -> str:
        """Run a command.

        :param on_line: Called with each line as it is printed.
        :returns: The whole output.
        :raises DeployError: If it fails, with the last lines of the output.
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
            last = "\n".join(f"  {line}" for line in lines[-LAST_LINES:] if line)
            raise DeployError(
                f"'cdk {' '.join(arguments)}' failed with status {process.returncode}:\n{last}",
                remedy="fix the cause above and run the same command again: completed steps are not repeated",
            )
        return "\n".join(lines)

    def bootstrap(self, account: str, region: str, *, on_line: Callable[[str], None]) -> None:
        """Create the bucket, the repository and the roles that the CDK needs once per account and region.

        :param account: The account's number.
        :param region: The region.
        :param on_line: Called with a line for each event of a resource.
        :raises DeployError: If it fails.
        """
        self.run(
            "bootstrap",
            f"aws://{account}/{region}",
            on_line=lambda line: on_line(f"  {line}") if " | " in line else None,
        )

    def deploy(
        self,
        stack: str,
        assembly: Path,
        *,
        on_line: Callable[[str], None],
        on_step: OnStep = no_progress,
        stage: Stage = "update",
    ) -> None:
        """Deploy one stack of a cloud assembly.

        :param stack: Name of the stack.
        :param assembly: Folder of the cloud assembly.
        :param on_line: Called with a line for each event of a resource, and for each failure.
        :param on_step: Called with the stages, and with the number of resources that are updated.
        :param stage: Name of the update itself.
        :raises DeployError: If it fails.
        """

        total = 0

        def on_any(line: str) -> None:
            nonlocal total
            total = _report_stage(line, on_step, stage) or total
            if line.startswith(f"{stack} | ") or FAILURE in line:
                on_line(f"  {_short_event(line)}")

        options = ("--require-approval", "never", "--progress", "events")
        self.run("deploy", stack, "--app", str(assembly), *options, on_line=on_any)
        if total:  # Resources without an event of their own are not counted.
            on_step(stage, total, total)

    def diff(self, stack: str, assembly: Path) -> str:
        """Return the difference between a deployed stack and its template; empty if there is none.

        :param stack: Name of the stack.
        :param assembly: Folder of the cloud assembly.
        :raises DeployError: If it fails.
        """
        output = self.run("diff", stack, "--app", str(assembly), "--no-change-set")
        if NO_DIFFERENCES in output:
            return ""
        lines = [line for line in output.splitlines() if not line.startswith(NOISE_PREFIXES)]
        first = next((number for number, line in enumerate(lines) if line.startswith(f"Stack {stack}")), 0)
        return "\n".join(lines[first:]).strip()


def _report_stage(line: str, on_step: OnStep, stage: Stage) -> int:
    """Report the stage that a line of the command line's output belongs to.

    :returns: The number of resources, if the line has it.
    """
    resource = RESOURCE.search(line)
    if resource:
        on_step(stage, int(resource["done"]), int(resource["total"]))
        return int(resource["total"])
    if CHANGE_SET in line:
        begin(on_step, "change set")
    elif PUBLISHING.search(line):
        begin(on_step, "upload")
    return 0


def _short_event(line: str) -> str:
    """Return an event of a resource without stack, count, time and logical ID; other lines as they are.

    The count ends below its total, of which resources that stay as they are are a part.
    """
    parts = [part.strip() for part in line.split(" | ")]
    if len(parts) < EVENT_PARTS or not RESOURCE.search(line):
        return line
    _, _, _, state, kind, *name = parts
    named = LOGICAL_ID.sub("", " | ".join(name), count=1)
    return f"{state.lower().replace('_', ' ')}: {kind.removeprefix('AWS::')} {named}"


def find_cdk(*, on_line: Callable[[str], None] = lambda line: None) -> Cdk:
    """Return the pinned version, which is installed once per user.

    :param on_line: Called with a line if it is being installed.
    :raises DeployError: If it cannot be installed.
    """
    environ = node_environment()
    command = installed_cdk()
    if command is None:
        on_line(f"installing {NPM_PACKAGE}, once per user")
        _install(_folder(), environ)
    return Cdk(command or _command(), environ)


def installed_cdk() -> Path | None:
    """Return the command that is named or installed; ``None`` if the first deployment will install it.

    :raises DeployError: If ``SPACY_LAMBDA_CDK`` names a file that does not exist.
    """
    given = os.environ.get(CDK_VARIABLE)
    if given:
        return _existing(Path(given))
    return _command() if _command().exists() else None


def cache_folder() -> Path:
    """Return the user's cache of spacy-lambda, in which the CDK is installed.

    :raises DeployError: If the user has no home folder, such as one of a container.
    """
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"], "spacy-lambda")
    try:
        home = Path.home()
    except RuntimeError as exc:
        raise DeployError(
            "the CDK is installed in the user's cache, and this user has no home folder",
            remedy=f"set HOME or XDG_CACHE_HOME, or {CDK_VARIABLE} to an installed cdk",
        ) from exc
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "spacy-lambda"


def _folder() -> Path:
    return cache_folder() / f"aws-cdk-{VERSION}"


def _command() -> Path:
    return _folder() / "node_modules" / ".bin" / "cdk"


def _existing(command: Path) -> Path:
    if not command.is_file():
        raise DeployError(
            f"{CDK_VARIABLE} is {str(command)!r}, which is not a file", remedy="set it to the path of cdk"
        )
    return command


def _install(folder: Path, environ: dict[str, str]) -> None:
    """Install into a temporary folder and rename it, so that an installation is complete."""
    with folder_beside(folder) as scratch:
        made = scratch / "installed"
        made.mkdir()
        words = [*npm_command(environ), "install", "--prefix", str(made), "--no-audit", "--no-fund", NPM_PACKAGE]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            cause = "free disk space" if is_disk_full(done.stderr) else "check the network"
            raise DeployError(
                f"the CDK's command line {VERSION} cannot be installed: {done.stderr.strip()[-500:]}",
                remedy=f"{cause}, or install {NPM_PACKAGE} and set {CDK_VARIABLE} to its cdk",
            )
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another process was faster, and has installed the same
            made.rename(folder)
