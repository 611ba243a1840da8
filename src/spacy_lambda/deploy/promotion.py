"""Last stage of a deployment: the second update of the stack, which moves the live alias to the published version.

It also connects new event sources to the alias, and disconnects those that are no longer in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.cdk_cli import Cdk
from spacy_lambda.deploy.publication import Published, update_stack
from spacy_lambda.deploy.stacks import find_stack
from spacy_lambda.deploy.versions import next_live_before, prune_versions

__all__ = ["LiveVersion", "promote"]


@dataclass(frozen=True)
class LiveVersion:
    """One function whose version is live.

    :param function: Its name in AWS.
    :param version: The version that is live.
    :param previous: The one that was before; ``None`` the first time.
    :param url: The Function URL.
    :param pruned: Older versions that were deleted.
    """

    function: str
    version: str
    previous: str | None
    url: str | None
    pruned: tuple[int, ...] = ()


def promote(
    published: Published,
    *,
    aws: AwsAccount,
    cdk: Cdk,
    out: Path,
    on_line: Callable[[str], None],
    on_step: OnStep = no_progress,
) -> LiveVersion:
    """Move the live alias to a version, with a canary at CodeDeploy's pace, and delete versions beyond those to keep.

    :param out: Folder for the templates.
    :raises DeployError: If AWS refuses.
    """
    function, version, previous = published.spec.function_name, published.version, published.previous
    before = published.spec.live_before
    if version != previous:
        before = next_live_before(previous, before, version)[: published.keep - 1]
    spec = replace(published.spec, live_version=version, live_before=before, connected=None)
    if version != previous or {*spec.connected_sources} != {*published.spec.connected_sources}:
        step = f"version {version} goes live" if version != previous else "updating event sources"
        on_line(f"{function}: {step}")
        update_stack(spec, aws=aws, cdk=cdk, out=out, on_line=on_line, on_step=on_step, stage="shift traffic")
    # keep_versions is not in the template: a smaller number has an effect without an update.
    pruned = prune_versions(aws, function, keep=published.keep, live=version, before=before)
    return LiveVersion(function, version, previous, _url(aws, function), tuple(pruned))


def _url(aws: AwsAccount, function: str) -> str | None:
    stack = find_stack(aws, function)
    return stack.outputs.get("Url") if stack else None
