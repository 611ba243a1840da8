"""The whole of ``spacy-lambda deploy``: prepare, plan, ask, release."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from spacy_lambda.cdk.aws_names import bucket_name, stack_name
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.deploy.aws import Aws
from spacy_lambda.deploy.cdk_cli import Cdk
from spacy_lambda.deploy.plan import Plan, make_plan, shared_spec
from spacy_lambda.deploy.prepare import WORK, prepared_function
from spacy_lambda.deploy.release import Released, Tell, release, run_deploy
from spacy_lambda.deploy.stacks import is_bootstrapped, require_settled
from spacy_lambda.deploy.synthesis import write_templates

__all__ = ["bootstrap", "deploy", "plan"]


def bootstrap(aws: Aws, cdk: Cdk, *, tell: Tell) -> None:
    """Make what the CDK needs in an account and region, once: a bucket, a repository, roles.

    :raises DeployError: If it fails.
    """
    tell(f"bootstrapping the CDK in {aws.account}/{aws.region}")
    cdk.run(
        "bootstrap",
        f"aws://{aws.account}/{aws.region}",
        on_line=lambda line: tell(f"  {line}") if " | " in line else None,
    )


def plan(
    project: Project, functions: Sequence[FunctionConfig], *, aws: Aws, cdk: Cdk, on_step: Callable[..., None]
) -> Plan:
    """What a deployment would do; nothing in AWS is changed, and no image is built.

    :raises SpacyLambdaError: If the deployment would fail before it changes anything.
    """
    with ExitStack() as stack:
        prepared = [
            stack.enter_context(prepared_function(project, one, build_images=False, on_step=on_step))
            for one in functions
        ]
        return make_plan(project, prepared, aws=aws, cdk=cdk, out=_empty_folder(project), on_step=on_step)


def deploy(
    project: Project,
    functions: Sequence[FunctionConfig],
    *,
    aws: Aws,
    cdk: Cdk,
    agree: Callable[[Plan, bool], bool],
    tell: Tell,
    on_step: Callable[..., None],
) -> list[Released] | None:
    """Deploy functions, one after the other.

    :param agree: Asked once, with the plan and whether the account has still to be bootstrapped.
    :param tell: Told what is being done.
    :return: What is live; ``None`` if it was not agreed to.
    :raises SpacyLambdaError: If something fails; functions that were released stay so, all others are as they were.
    """
    out = _empty_folder(project)
    with ExitStack() as stack:
        prepared = [stack.enter_context(prepared_function(project, one, on_step=on_step)) for one in functions]
        ready = is_bootstrapped(aws)
        planned = make_plan(project, prepared, aws=aws, cdk=cdk, out=out, on_step=on_step)
        if not agree(planned, ready):
            return None
        if not ready:
            bootstrap(aws, cdk, tell=tell)
        _deploy_shared(project, aws=aws, cdk=cdk, out=out, tell=tell)
        return [release(project, one, aws=aws, cdk=cdk, out=out, tell=tell) for one in prepared]


def _empty_folder(project: Project) -> Path:
    """For templates. Those of the last time stay until now, for whoever wants to look at them."""
    out = project.folder / WORK / "cdk.out"
    shutil.rmtree(out, ignore_errors=True)
    return out


def _deploy_shared(project: Project, *, aws: Aws, cdk: Cdk, out: Path, tell: Tell) -> None:
    name = stack_name(project.name)
    require_settled(aws, name)
    tell(f"the bucket {bucket_name(project.name, account=aws.account, region=aws.region)}")
    assembly = write_templates([], shared_spec(project, aws), out)
    run_deploy(cdk, name, assembly, tell=tell)
