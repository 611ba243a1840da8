"""What a deployment would do, before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.bundler.treemap import file_sizes
from spacy_lambda.config.model import Project
from spacy_lambda.config.names import stack_name
from spacy_lambda.deploy.aws import Aws
from spacy_lambda.deploy.cdk_cli import Cdk
from spacy_lambda.deploy.cost import Cost, estimate
from spacy_lambda.deploy.model import FunctionSpec, SharedSpec
from spacy_lambda.deploy.prepare import Prepared, make_spec
from spacy_lambda.deploy.stacks import require_settled
from spacy_lambda.deploy.templates import write_templates
from spacy_lambda.deploy.versions import live_version

__all__ = ["PlannedFunction", "make_plan", "shared_spec"]

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
    """

    prepared: Prepared
    stack: str
    live: str | None
    is_new: bool
    difference: str
    cost: Cost


def make_plan(project: Project, prepared: list[Prepared], *, aws: Aws, cdk: Cdk, out: Path) -> list[PlannedFunction]:
    """Compare what is there with what would be.

    :param out: Folder for the templates.
    :raises DeployError: If a stack cannot be changed now, or AWS does not tell.
    """
    live = {one.config.name: live_version(aws, stack_name(project.name, one.config.name)) for one in prepared}
    specs = [make_spec(project, aws, one, live_version=live[one.config.name]) for one in prepared]
    is_new = {spec.name: require_settled(aws, stack_name(project.name, spec.name)) is None for spec in specs}
    assembly = write_templates(specs, shared_spec(project, aws), out)
    return [
        PlannedFunction(
            one,
            stack_name(project.name, spec.name),
            live[spec.name],
            is_new[spec.name],
            _difference(cdk, assembly, stack_name(project.name, spec.name)),
            _cost(one, spec),
        )
        for one, spec in zip(prepared, specs, strict=True)
    ]


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
