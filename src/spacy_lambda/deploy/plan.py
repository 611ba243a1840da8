"""What a deployment would do, before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.cdk.aws_names import stack_name
from spacy_lambda.cdk.spec import FunctionSpec, SharedSpec
from spacy_lambda.config.project import Project
from spacy_lambda.core.files import file_sizes
from spacy_lambda.deploy.aws import Aws
from spacy_lambda.deploy.cdk_cli import Cdk
from spacy_lambda.deploy.concurrency import Limit, concurrency_limits
from spacy_lambda.deploy.cost import Cost, estimate
from spacy_lambda.deploy.prepare import Prepared, make_spec
from spacy_lambda.deploy.resources import Callers, PlannedResource, callers, planned_resources
from spacy_lambda.deploy.stacks import require_settled
from spacy_lambda.deploy.synthesis import write_templates
from spacy_lambda.deploy.versions import list_versions, live_version

__all__ = ["Plan", "PlannedFunction", "make_plan", "shared_spec"]

NOTHING = "There were no differences"
CHATTER = ("✨", "(NOTE: ")


@dataclass(frozen=True)
class PlannedFunction:
    """What would become of one function.

    :param prepared: What is made of it here.
    :param stack: Its stack.
    :param live: The version that is live now.
    :param is_new: Whether there is no such stack yet.
    :param difference: Between its stack and the template, as the CDK tells it; empty where there is none.
    :param cost: What it would cost.
    :param resources: Everything that there would be, when it is live.
    :param callers: Who could call it.
    :param limit: How many environments of it there could be at once.
    """

    prepared: Prepared
    stack: str
    live: str | None
    is_new: bool
    difference: str
    cost: Cost
    resources: tuple[PlannedResource, ...]
    callers: Callers
    limit: Limit


@dataclass(frozen=True)
class Plan:
    """What a deployment would do.

    :param functions: One after the other.
    :param shared: What they would share.
    """

    functions: list[PlannedFunction]
    shared: tuple[PlannedResource, ...]


def make_plan(
    project: Project,
    prepared: list[Prepared],
    *,
    aws: Aws,
    cdk: Cdk,
    out: Path,
    on_step: Callable[[str, int, int], None] = lambda *step: None,
) -> Plan:
    """Compare what is there with what would be.

    :param out: Folder for the templates.
    :raises DeployError: If a stack cannot be changed now, a template cannot be made, or AWS does not tell.
    """
    live = {one.config.name: live_version(aws, stack_name(project.name, one.config.name)) for one in prepared}
    limits = concurrency_limits(aws, project.name, [one.config for one in prepared])
    specs = [
        make_spec(
            project,
            aws,
            one,
            live_version=live[one.config.name] or _next_version(aws, stack_name(project.name, one.config.name)),
            concurrency=limits[one.config.name].reserved,
        )
        for one in prepared
    ]
    is_new = {spec.name: require_settled(aws, stack_name(project.name, spec.name)) is None for spec in specs}
    on_step("templates", 0, len(specs))
    assembly = write_templates(specs, shared_spec(project, aws), out)
    planned = []
    for number, (one, spec) in enumerate(zip(prepared, specs, strict=True)):
        stack = stack_name(project.name, spec.name)
        on_step("comparing", number, len(specs))
        planned.append(
            PlannedFunction(
                one,
                stack,
                live[spec.name],
                is_new[spec.name],
                _difference(cdk, assembly, stack),
                _cost(one, spec),
                planned_resources(assembly, stack),
                callers(spec),
                limits[spec.name],
            )
        )
    on_step("comparing", len(specs), len(specs))
    return Plan(planned, planned_resources(assembly, stack_name(project.name)))


def _next_version(aws: Aws, function: str) -> str:
    """The number that the first version to be live will have."""
    return str(max((version.number for version in list_versions(aws, function)), default=0) + 1)


def shared_spec(project: Project, aws: Aws) -> SharedSpec:
    """What the functions share. Whatever may become an image has a repository; an empty one costs nothing."""
    images = {function.name for function in project.functions if function.shape != "zip"}
    return SharedSpec(
        project=project.name,
        account=aws.account,
        region=aws.region,
        repositories=tuple(sorted(images)),
        tags=project.tags,
    )


def _difference(cdk: Cdk, assembly: Path, stack: str) -> str:
    """What ``cdk diff`` tells of a stack, without what it tells of itself."""
    told = cdk.run("diff", stack, "--app", str(assembly), "--no-change-set")
    if NOTHING in told:
        return ""
    lines = [line for line in told.splitlines() if not line.startswith(CHATTER)]
    first = next((number for number, line in enumerate(lines) if line.startswith(f"Stack {stack}")), 0)
    return "\n".join(lines[first:]).strip()


def _cost(prepared: Prepared, spec: FunctionSpec) -> Cost:
    bundle = prepared.bundle
    return estimate(
        spec,
        code_bytes=bundle.zipped or bundle.unzipped,
        model_bytes=sum(file_sizes(prepared.folder).values()),
        versions=prepared.config.keep_versions,
        ms_per_text=prepared.ms_per_text,
    )
