"""``spacy-lambda deploy``: functions of a project, live on AWS.

All functions are prepared and planned together, and then released one after the other. Each stage is a module that
gets the frozen value of the one before and makes the next one::

    FunctionConfig
         │  preparation   the pipeline, its bundle or image, and its golden tests are made on this machine
         ▼
     Prepared
         │  planning      the templates are compared with the deployed stacks; nothing in AWS changes
         ▼
       Plan               `deploy --plan` ends here; `deploy` asks for confirmation, runs `cdk bootstrap` if needed,
         │                and updates the shared stack if it has changed; then, for each function and under its lock:
      Planned
         │  storage       pipeline ──▶ bucket, image ──▶ repository
         ▼
      Stored
         │  publication   first update of the stack: a version is published and tested; the live alias does not move
         ▼
     Published
         │  promotion     second update of the stack: the live alias moves; old versions are deleted
         ▼
    LiveVersion

A failure leaves the live version as it was, and the same command continues.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.cdk.aws_names import bucket_name, stack_name
from spacy_lambda.cdk.spec import SharedSpec
from spacy_lambda.config.project import FunctionConfig, Project
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.cdk_cli import Cdk
from spacy_lambda.deploy.golden_tests import read_requests
from spacy_lambda.deploy.lock import deployment_lock
from spacy_lambda.deploy.planning import Plan, Planned, make_plan
from spacy_lambda.deploy.preparation import prepare
from spacy_lambda.deploy.promotion import LiveVersion, promote
from spacy_lambda.deploy.publication import publish
from spacy_lambda.deploy.resources import read_template
from spacy_lambda.deploy.stacks import COMPLETE, deployed_template, require_settled
from spacy_lambda.deploy.stages import begin, of_function
from spacy_lambda.deploy.storage import store
from spacy_lambda.deploy.synthesis import write_templates
from spacy_lambda.deploy.tuning_record import restore_tuned
from spacy_lambda.deploy.work_folder import locked_work_folder

__all__ = ["PlanOptions", "deploy", "plan"]


@dataclass(frozen=True)
class PlanOptions:
    """Contents of a plan.

    :param texts: Texts to measure the latency on; by default those of the golden tests.
    :param with_difference: Run ``cdk diff`` as well.
    :param check: Refuse functions that would fail on Lambda.
    """

    texts: Path | None = None
    with_difference: bool = False
    check: bool = True


OnLine = Callable[[str], None]


def plan(
    project: Project,
    functions: Sequence[FunctionConfig],
    *,
    aws: AwsAccount,
    cdk: Cdk,
    options: PlanOptions = PlanOptions(),
    on_step: OnStep = no_progress,
) -> Plan:
    """Plan a deployment; nothing in AWS changes, and no image is built.

    :param project: The project.
    :param functions: Those of its functions to deploy.
    :param aws: The account and the region.
    :param cdk: The CDK's command line.
    :param options: Contents of the plan.
    :param on_step: Called with each step's name, the number of steps done, and their total.
    :raises SpacyLambdaError: If the deployment would fail before it changes anything.
    """
    with _planned(project, functions, aws=aws, cdk=cdk, build_images=False, options=options, on_step=on_step) as (
        made,
        _,
    ):
        return made


def deploy(
    project: Project,
    functions: Sequence[FunctionConfig],
    *,
    aws: AwsAccount,
    cdk: Cdk,
    confirm: Callable[[Plan], bool],
    on_line: OnLine,
    options: PlanOptions = PlanOptions(),
    on_step: OnStep = no_progress,
) -> list[LiveVersion] | None:
    """Deploy functions, one after the other.

    :param project: The project.
    :param functions: Those of its functions to deploy.
    :param aws: The account and the region.
    :param cdk: The CDK's command line.
    :param confirm: Called once, with the plan.
    :param on_line: Called with each line that reports what is being done.
    :param options: Contents of the plan.
    :param on_step: Called with each step's name, the number of steps done, and their total.
    :returns: The live versions; ``None`` if the plan was not confirmed.
    :raises SpacyLambdaError: If something fails; functions that went live stay so, all others are as they were.
    """
    with _planned(project, functions, aws=aws, cdk=cdk, build_images=True, options=options, on_step=on_step) as (
        made,
        out,
    ):
        if not confirm(made):
            return None
        if not made.bootstrapped:
            begin(on_step, "bootstrap")
            on_line(f"bootstrapping the CDK in {aws.account}/{aws.region}")
            cdk.bootstrap(aws.account, aws.region, on_line=on_line)
        _deploy_shared(made.shared, aws=aws, cdk=cdk, out=out, on_line=on_line, on_step=on_step)
        return [
            _release(
                project,
                one,
                aws=aws,
                cdk=cdk,
                out=out,
                on_line=on_line,
                on_step=of_function(on_step, one.spec.name),
            )
            for one in made.functions
        ]


@contextmanager
def _planned(
    project: Project,
    functions: Sequence[FunctionConfig],
    *,
    aws: AwsAccount,
    cdk: Cdk,
    build_images: bool,
    options: PlanOptions,
    on_step: OnStep,
) -> Iterator[tuple[Plan, Path]]:
    """Yield the plan and the folder of the templates, which stays for inspection until the next plan."""
    for function in functions:  # before the first of them is bundled
        read_requests(function.golden)
    with ExitStack() as stack:
        out = stack.enter_context(locked_work_folder(project.folder)) / "cdk.out"
        shutil.rmtree(out, ignore_errors=True)
        prepared = [
            stack.enter_context(
                prepare(
                    project,
                    one,
                    aws=aws,
                    build_images=build_images,
                    texts=options.texts,
                    check=options.check,
                    on_step=of_function(on_step, one.name),
                )
            )
            for one in functions
        ]
        yield (
            make_plan(
                project,
                prepared,
                aws=aws,
                cdk=cdk,
                out=out,
                with_difference=options.with_difference,
                on_step=on_step,
            ),
            out,
        )


def _deploy_shared(
    shared: SharedSpec, *, aws: AwsAccount, cdk: Cdk, out: Path, on_line: OnLine, on_step: OnStep
) -> None:
    """Update the shared stack; one that has the same template stays as it is, without the seconds of ``cdk deploy``."""
    name = stack_name(shared.project)
    stack = require_settled(aws, name)
    begin(on_step, "synthesize")
    assembly = write_templates([], shared, out)
    if stack is not None and stack.status in COMPLETE and deployed_template(aws, name) == read_template(assembly, name):
        return
    bucket = bucket_name(shared.project, account=aws.account, region=aws.region)
    on_line(f"{name}: updating the shared stack (bucket {bucket})")
    cdk.deploy(name, assembly, on_line=on_line, on_step=on_step)


def _release(
    project: Project, planned: Planned, *, aws: AwsAccount, cdk: Cdk, out: Path, on_line: OnLine, on_step: OnStep
) -> LiveVersion:
    """Take one function through the stages that change AWS, under its lock."""
    bucket = bucket_name(project.name, account=aws.account, region=aws.region)
    with deployment_lock(aws, bucket, planned.spec.name):
        require_settled(aws, planned.spec.function_name)
        restore_tuned(aws, planned.spec.function_name, on_line=on_line)  # CloudFormation would not see its memory
        stored = store(project, planned, aws=aws, on_line=on_line, on_step=on_step)
        published = publish(stored, aws=aws, cdk=cdk, out=out, on_line=on_line, on_step=on_step)
        return promote(published, aws=aws, cdk=cdk, out=out, on_line=on_line, on_step=on_step)
