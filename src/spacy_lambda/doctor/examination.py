"""All checks at the same time, each within its time, and what their findings mean for the stages of the work."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spacy_lambda.config.toml_file import FILE
from spacy_lambda.doctor.account import check_account
from spacy_lambda.doctor.finding import EVERY_STAGE, STAGES, Finding, Stage
from spacy_lambda.doctor.installed import check_extras, check_packages
from spacy_lambda.doctor.machine import (
    DEPLOYING,
    FOLDER,
    WRITING,
    check_caches,
    check_python,
    check_space,
    check_work_folder,
    current_folder,
)
from spacy_lambda.doctor.project_file import check_project_file
from spacy_lambda.doctor.tools import WITH_BUNDLES, check_cdk, check_engines, check_lambda_python, check_strip

__all__ = ["Check", "Examination", "examine", "run_checks"]

SECONDS = 60.0
"""After which a check that has not ended is reported as such."""


@dataclass(frozen=True)
class Check:
    """One check.

    :param name: The name of its finding if it does not end.
    :param run: Returns its findings.
    :param blocks: The stages that need the answer.
    """

    name: str
    run: Callable[[], list[Finding]]
    blocks: frozenset[Stage] = frozenset()


@dataclass(frozen=True)
class Examination:
    """All findings.

    :param findings: In the order of the checks.
    """

    findings: tuple[Finding, ...]

    def blocked(self) -> dict[Stage, list[str]]:
        """Return the names of the findings that prevent each stage; an empty list for one that would work."""
        return {stage: [one.name for one in self.failed(stage)] for stage in STAGES}

    def failed(self, stage: Stage | None) -> list[Finding]:
        """Return the findings that prevent a stage; for ``None``, those that prevent every one."""
        return [one for one in self.findings if one.status(stage) == "failed"]


def examine(*, profile: str | None = None, region: str | None = None, folder: Path | None = None) -> Examination:
    """Check this machine and the AWS account, in seconds. Nothing is changed.

    :param profile: Named profile of the AWS configuration.
    :param region: AWS region.
    :param folder: The folder of the project; ``None`` for the current one.
    """
    here = folder or current_folder()
    where = Path() if isinstance(here, Finding) else here
    checks = (
        Check("Python", check_python, EVERY_STAGE),
        Check("packages", check_packages, EVERY_STAGE),
        Check("extras", check_extras, EVERY_STAGE),
        *([Check(FOLDER, lambda: [here])] if isinstance(here, Finding) else _checks_of_folder(here, region)),
        Check("caches", check_caches, DEPLOYING),
        Check("strip", check_strip, WITH_BUNDLES),
        Check("bundles' Python", check_lambda_python),
        Check("containers", check_engines),
        Check("Node and CDK", check_cdk, DEPLOYING),
        Check("AWS credentials", partial(check_account, where, profile=profile, region=region), frozenset({"deploy"})),
    )
    return Examination(run_checks(checks))


def _checks_of_folder(folder: Path, region: str | None) -> tuple[Check, ...]:
    return (
        Check("disk", partial(check_space, folder), WRITING),
        Check(FOLDER, partial(check_work_folder, folder), DEPLOYING),
        Check(FILE, partial(check_project_file, folder, region=region), DEPLOYING),
    )


def run_checks(checks: Sequence[Check], *, seconds: float = SECONDS) -> tuple[Finding, ...]:
    """Run checks in threads that do not keep the process alive.

    :param seconds: After which the rest is not waited for.
    """
    results: queue.Queue[tuple[str, list[Finding]]] = queue.Queue()
    for check in checks:
        threading.Thread(target=lambda one: results.put((one.name, _findings(one))), args=(check,), daemon=True).start()
    done: dict[str, list[Finding]] = {}
    deadline = time.monotonic() + seconds
    while len(done) < len(checks) and (left := deadline - time.monotonic()) > 0:
        with suppress(queue.Empty):
            name, findings = results.get(timeout=left)
            done[name] = findings
    late = f"no answer within {seconds:g} s"
    return tuple(finding for check in checks for finding in done.get(check.name) or [_unknown(check, late)])


def _findings(check: Check) -> list[Finding]:
    """Run a check. An exception, of any kind, is its result."""
    try:
        return check.run()
    except Exception as exc:
        return [_unknown(check, f"{type(exc).__name__}: {exc}")]


def _unknown(check: Check, why: str) -> Finding:
    return Finding(
        check.name, f"cannot be checked: {why}", "check the network and the message, and retry", check.blocks
    )
