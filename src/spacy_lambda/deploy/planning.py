"""Second stage of a deployment: the prepared functions are compared with the deployed ones. Nothing in AWS changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy_lambda.bundler.image.build import RECORD
from spacy_lambda.cdk.aws_names import stack_name
from spacy_lambda.cdk.spec import FunctionSpec, ImageCode, SharedSpec, ZipCode
from spacy_lambda.config.project import Project
from spacy_lambda.core.files import file_sizes
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.cdk_cli import Cdk
from spacy_lambda.deploy.changes import Change, find_changes
from spacy_lambda.deploy.concurrency import ConcurrencyLimit, concurrency_limits
from spacy_lambda.deploy.cost import Cost, Sizes, estimate
from spacy_lambda.deploy.final_state import Fact, final_state
from spacy_lambda.deploy.preparation import Prepared
from spacy_lambda.deploy.resources import (
    Callers,
    PlannedResource,
    caller_warnings,
    callers,
    page_warnings,
    planned_resources,
    read_template,
)
from spacy_lambda.deploy.source_checks import check_sources
from spacy_lambda.deploy.stacks import IN_REVIEW, deployed_template, is_bootstrapped, require_own, require_settled
from spacy_lambda.deploy.stages import begin
from spacy_lambda.deploy.synthesis import write_templates
from spacy_lambda.deploy.versions import list_versions, live_before, live_version

__all__ = ["Plan", "Planned", "make_code", "make_plan", "make_spec", "shared_spec"]


@dataclass(frozen=True)
class Planned:
    """One function, and the changes that its deployment would make.

    :param prepared: The function, as it was prepared.
    :param spec: Its stack once it is live. An image that is not pushed yet has the digest of its folder there.
    :param live: The version that is live now.
    :param is_new: True if the stack does not exist yet.
    :param difference: Difference between the stack and the template, as ``cdk diff`` prints it; empty if there is none,
        ``None`` if it was not requested.
    :param changes: The same, key by key; empty for a new function.
    :param state: What exists once it is live, in words.
    :param cost: Estimated cost.
    :param resources: All resources of the stack once it is live.
    :param callers: The principals that can call the function.
    :param limit: Its concurrency.
    :param warnings: About its callers, its page, its event sources, and Lambda's limits.
    """

    prepared: Prepared
    spec: FunctionSpec
    live: str | None
    is_new: bool
    difference: str | None
    changes: tuple[Change, ...]
    state: tuple[Fact, ...]
    cost: Cost
    resources: tuple[PlannedResource, ...]
    callers: Callers
    limit: ConcurrencyLimit
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything that a deployment would do.

    :param functions: In the order in which they are deployed.
    :param shared: Stack of the resources that they share.
    :param shared_resources: These resources.
    :param bootstrapped: True if ``cdk bootstrap`` was run for the account and the region; else the deployment runs it.
    """

    functions: tuple[Planned, ...]
    shared: SharedSpec
    shared_resources: tuple[PlannedResource, ...]
    bootstrapped: bool


def make_plan(
    project: Project,
    prepared: Sequence[Prepared],
    *,
    aws: AwsAccount,
    cdk: Cdk,
    out: Path,
    with_difference: bool = False,
    on_step: OnStep = no_progress,
) -> Plan:
    """Compare the deployed stacks with the new ones.

    :param out: Folder for the templates.
    :param with_difference: Run ``cdk diff`` as well.
    :raises DeployError: If a stack is another project's or cannot be changed now, an event source does not exist, a
        template cannot be made, or AWS refuses.
    """
    for name in (None, *(one.config.name for one in prepared)):
        require_own(aws, project.name, name)
    limits = concurrency_limits(aws, project.name, [one.config for one in prepared])
    found = [_look_up(aws, project, one, limits[one.config.name]) for one in prepared]
    begin(on_step, "synthesize")
    shared = shared_spec(project, aws)
    assembly = write_templates([one.spec for one in found], shared, out)
    planned = []
    for number, one in enumerate(found):
        on_step("compare", number, len(found))
        name = one.spec.function_name
        difference = cdk.diff(name, assembly) if with_difference else None
        planned.append(_compare(aws, one, read_template(assembly, name), difference))
    on_step("compare", len(found), len(found))
    own = stack_name(project.name)
    return Plan(tuple(planned), shared, planned_resources(read_template(assembly, own), own), is_bootstrapped(aws))


@dataclass(frozen=True)
class _Found:
    """One function, and what AWS has of it: all that is looked up before a template is written."""

    prepared: Prepared
    spec: FunctionSpec
    live: str | None
    is_new: bool
    limit: ConcurrencyLimit
    warnings: tuple[str, ...]


def _look_up(aws: AwsAccount, project: Project, prepared: Prepared, limit: ConcurrencyLimit) -> _Found:
    config, name = prepared.config, stack_name(project.name, prepared.config.name)
    warnings = (
        *caller_warnings(config, aws.account),
        *page_warnings(config),
        *check_sources(aws, config),
        *_limit_warnings(prepared),
    )
    live = live_version(aws, name)
    spec = make_spec(
        project,
        prepared,
        aws=aws,
        code=make_code(prepared),
        limit=limit,
        live_version=live or _next_version(aws, name),
        before=live_before(aws, name) if live else (),
    )
    return _Found(prepared, spec, live, _is_new(aws, name), limit, warnings)


def _compare(aws: AwsAccount, found: _Found, template: Mapping[str, Any], difference: str | None) -> Planned:
    spec, name = found.spec, found.spec.function_name
    cost, can_call = _cost(found.prepared, spec), callers(spec)
    state = final_state(
        template,
        spec,
        found.prepared,
        live=found.live,
        callers=can_call,
        concurrency=found.limit.about,
        cost=cost,
    )
    return Planned(
        prepared=found.prepared,
        spec=spec,
        live=found.live,
        is_new=found.is_new,
        difference=difference,
        changes=() if found.is_new else _changes(aws, name, template, live=found.live),
        state=state,
        cost=cost,
        resources=planned_resources(template, name),
        callers=can_call,
        limit=found.limit,
        warnings=found.warnings,
    )


def _changes(aws: AwsAccount, stack: str, template: Mapping[str, Any], *, live: str | None) -> tuple[Change, ...]:
    """Compare a deployed stack. After a rollback or a failed release, its newest version is not the live one."""
    changes = find_changes(deployed_template(aws, stack), template, stack=stack)
    newest = _next_version(aws, stack) if live is None else str(list_versions(aws, stack)[0].number)
    if newest == live:
        return changes
    return (*changes, Change("live version", live, "a new one" if changes else newest))


def _is_new(aws: AwsAccount, stack: str) -> bool:
    found = require_settled(aws, stack)
    return found is None or found.status == IN_REVIEW


def make_spec(
    project: Project,
    prepared: Prepared,
    *,
    aws: AwsAccount,
    code: ZipCode | ImageCode,
    limit: ConcurrencyLimit,
    live_version: str | None,
    before: tuple[str, ...] = (),
) -> FunctionSpec:
    """Return the spec of a function's stack.

    :param code: The function's code.
    :param limit: Concurrency that the account has for it.
    :param live_version: Version of the live alias.
    :param before: Versions that were live before it.
    """
    config, location = prepared.config, str(prepared.location)
    return FunctionSpec(
        project=project.name,
        account=aws.account,
        region=aws.region,
        config=replace(config, pipeline=location, signed_by=None, golden=None, concurrency=limit.reserved),
        code=code,
        sha256=prepared.bundle.pipeline_sha256,
        pipeline=location if config.shape == "image-efs" else None,
        labels=prepared.labels if config.metrics else (),
        live_version=live_version,
        live_before=before,
        tags=project.tags,
    )


def shared_spec(project: Project, aws: AwsAccount) -> SharedSpec:
    """Return the spec of the shared stack. Each function that may be an image has a repository; empty ones are free."""
    images = {function.name for function in project.functions if function.shape != "zip"}
    return SharedSpec(
        project=project.name,
        account=aws.account,
        region=aws.region,
        repositories=tuple(sorted(images)),
        corpora=any(function.bulk is not None and function.bulk.location is None for function in project.functions),
        tags=project.tags,
    )


def make_code(prepared: Prepared) -> ZipCode | ImageCode:
    """Describe the code without pushing it: the registry's digest of an image is unknown until then."""
    path = prepared.bundle.path
    if prepared.bundle.package_type == "zip":
        return ZipCode(path)
    digest = hashlib.sha256()
    for name in sorted(file_sizes(path)):
        if name != RECORD:
            digest.update(f"{name}\0".encode())
            digest.update(hashlib.sha256((path / name).read_bytes()).digest())
    return ImageCode(f"sha256:{digest.hexdigest()}", efs=prepared.config.shape == "image-efs")


def _next_version(aws: AwsAccount, function: str) -> str:
    """Return the number that the first live version will have."""
    return str(max((version.number for version in list_versions(aws, function)), default=0) + 1)


def _cost(prepared: Prepared, spec: FunctionSpec) -> Cost:
    bundle = prepared.bundle
    sizes = Sizes(
        code=bundle.zipped or bundle.unzipped,
        model=sum(file_sizes(prepared.folder).values()),
        line=prepared.line_bytes,
    )
    return estimate(spec, sizes=sizes, versions=prepared.config.keep_versions, latency=prepared.latency)


def _limit_warnings(prepared: Prepared) -> list[str]:
    near = (one for one in prepared.findings if one.status in ("warning", "fails"))
    return [f"{one.name}: {one.detail}; {one.remedy}" for one in near]
