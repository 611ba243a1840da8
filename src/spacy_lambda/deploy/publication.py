"""Fourth stage of a deployment: the first update of the function's stack, which publishes a version, and its test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from spacy_lambda.cdk.spec import FunctionSpec
from spacy_lambda.core.counts import count
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.cdk_cli import Cdk
from spacy_lambda.deploy.connections import connected_sources
from spacy_lambda.deploy.golden_tests import run_golden_tests
from spacy_lambda.deploy.stages import Stage, begin
from spacy_lambda.deploy.storage import Stored
from spacy_lambda.deploy.synthesis import write_templates
from spacy_lambda.deploy.versions import live_before, live_version, newest_version, wait_until_ready

__all__ = ["Published", "publish", "update_stack"]


@dataclass(frozen=True)
class Published:
    """One function with a published version that has passed its golden tests.

    :param spec: Its stack, whose live alias has not moved, and has the previous event sources.
    :param version: The version.
    :param previous: The version that is live; ``None`` the first time. The same if nothing has changed.
    :param keep: Number of published versions to keep.
    """

    spec: FunctionSpec
    version: str
    previous: str | None
    keep: int


def publish(
    stored: Stored,
    *,
    aws: AwsAccount,
    cdk: Cdk,
    out: Path,
    on_line: Callable[[str], None],
    on_step: OnStep = no_progress,
) -> Published:
    """Publish a version and test it; the live alias stays where it is, with its event sources.

    New event sources may be read from now on, so that the permissions are in force when they are connected.

    :param out: Folder for the templates.
    :raises DeployError: If AWS refuses, or the version fails a golden test.
    """
    function, tests = stored.spec.function_name, stored.prepared.golden_tests
    previous = live_version(aws, function)
    on_line(f"{function}: publishing a version")
    connected = connected_sources(aws, function) if previous else ()
    before = live_before(aws, function) if previous else ()
    spec = replace(stored.spec, live_version=previous, live_before=before, connected=connected)
    version = update_stack(spec, aws=aws, cdk=cdk, out=out, on_line=on_line, on_step=on_step)
    if version != previous:
        wait_until_ready(aws, function, version)
        on_line(f"{function}: running {count(len(tests), 'golden test')} against version {version}")
        run_golden_tests(aws, function, version, tests, on_step=on_step)
    return Published(spec, version, previous, stored.prepared.config.keep_versions)


def update_stack(
    spec: FunctionSpec,
    *,
    aws: AwsAccount,
    cdk: Cdk,
    out: Path,
    on_line: Callable[[str], None],
    on_step: OnStep = no_progress,
    stage: Stage = "update",
) -> str:
    """Update a function's stack to a spec.

    :param stage: Name of the update itself.
    :returns: The version of its code.
    :raises DeployError: If CloudFormation refuses.
    """
    begin(on_step, "synthesize")
    assembly = write_templates([spec], None, out)
    cdk.deploy(spec.function_name, assembly, on_line=on_line, on_step=on_step, stage=stage)
    return newest_version(aws, spec.function_name)
