"""Specs -> a cloud assembly: the folder of templates and assets that ``cdk deploy --app FOLDER`` accepts."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import App, Environment

from .aws_names import stack_name
from .function_stack import FunctionStack
from .shared_stack import SharedStack
from .spec import FunctionSpec, SharedSpec

__all__ = ["CONTEXT", "make_app", "synthesize"]

CONTEXT = {
    "@aws-cdk/aws-lambda:recognizeVersionProps": True,
    "@aws-cdk/aws-codedeploy:removeAlarmsFromDeploymentGroup": True,
    # Traces of the CDK's own code would differ from run to run.
    "aws:cdk:disable-stack-trace": True,
}
"""Feature flags: the CDK keeps corrections that change templates behind them."""

ASSEMBLY_FILE = "cdk.out"
"""File in each cloud assembly."""


def synthesize(specs: Sequence[FunctionSpec], shared: SharedSpec | None, out: Path) -> Path:
    """Write the templates of functions and of their shared stack.

    :param out: The folder; an older assembly in it is removed first.
    :returns: The same folder.
    """
    if (out / ASSEMBLY_FILE).is_file():
        shutil.rmtree(out)
    make_app(specs, shared, out).synth()
    return out


def make_app(specs: Sequence[FunctionSpec], shared: SharedSpec | None, out: Path) -> App:
    """Create the app; nothing is written yet.

    :param out: Folder of the assembly.
    """
    app = App(outdir=str(out), analytics_reporting=False, tree_metadata=False, context=CONTEXT)
    if shared is not None:
        SharedStack(app, stack_name(shared.project), shared, env=_environment(shared))
    for spec in specs:
        FunctionStack(app, spec.function_name, spec, env=_environment(spec))
    return app


def _environment(spec: FunctionSpec | SharedSpec) -> Environment:
    return Environment(account=spec.account, region=spec.region)
