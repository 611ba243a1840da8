"""Deployment: from a :class:`~spacy_lambda.config.project.Project` to functions on AWS, and their operation.

::

    Project ──plan──▶ Plan        ──deploy──▶ live functions ──status, read_log, rollback, destroy
            └─eject─▶ CDK app

:mod:`spacy_lambda.deploy.deployment` describes the stages of ``deploy``. The constructs are of use without the rest:
``NerFunction`` in an app of your own. Public names are imported when they are used, because the CDK starts Node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spacy_lambda.extras import lazy_imports

if TYPE_CHECKING:
    from spacy_lambda.cdk.function_stack import FunctionStack
    from spacy_lambda.cdk.ner_function import NerFunction
    from spacy_lambda.cdk.settings import FunctionConfig
    from spacy_lambda.cdk.shared_stack import SharedStack
    from spacy_lambda.cdk.source_settings import KinesisSource, S3Source, ScheduleSource, SqsSource
    from spacy_lambda.cdk.spec import FunctionSpec, ImageCode, SharedSpec, ZipCode
    from spacy_lambda.deploy.aws import AwsAccount, open_account
    from spacy_lambda.deploy.cdk_cli import Cdk, find_cdk
    from spacy_lambda.deploy.deployment import PlanOptions, deploy, plan
    from spacy_lambda.deploy.destruction import destroy
    from spacy_lambda.deploy.ejection import eject
    from spacy_lambda.deploy.function_status import FunctionStatus, status
    from spacy_lambda.deploy.logs import LogEvent, read_log
    from spacy_lambda.deploy.planning import Plan, Planned
    from spacy_lambda.deploy.promotion import LiveVersion
    from spacy_lambda.deploy.rollbacks import Rollback, rollback
    from spacy_lambda.deploy.tuning import MeasuredSize, Tuning, plan_tuning, tune

__all__ = [
    "AwsAccount",
    "Cdk",
    "FunctionConfig",
    "FunctionSpec",
    "FunctionStack",
    "FunctionStatus",
    "ImageCode",
    "KinesisSource",
    "LiveVersion",
    "LogEvent",
    "MeasuredSize",
    "NerFunction",
    "Plan",
    "PlanOptions",
    "Planned",
    "Rollback",
    "S3Source",
    "ScheduleSource",
    "SharedSpec",
    "SharedStack",
    "SqsSource",
    "Tuning",
    "ZipCode",
    "deploy",
    "destroy",
    "eject",
    "find_cdk",
    "open_account",
    "plan",
    "plan_tuning",
    "read_log",
    "rollback",
    "status",
    "tune",
]

_LAZY_IMPORTS = {
    "AwsAccount": "spacy_lambda.deploy.aws",
    "Cdk": "spacy_lambda.deploy.cdk_cli",
    "FunctionConfig": "spacy_lambda.cdk.settings",
    "FunctionSpec": "spacy_lambda.cdk.spec",
    "FunctionStack": "spacy_lambda.cdk.function_stack",
    "FunctionStatus": "spacy_lambda.deploy.function_status",
    "ImageCode": "spacy_lambda.cdk.spec",
    "KinesisSource": "spacy_lambda.cdk.source_settings",
    "LiveVersion": "spacy_lambda.deploy.promotion",
    "LogEvent": "spacy_lambda.deploy.logs",
    "NerFunction": "spacy_lambda.cdk.ner_function",
    "Plan": "spacy_lambda.deploy.planning",
    "PlanOptions": "spacy_lambda.deploy.deployment",
    "Planned": "spacy_lambda.deploy.planning",
    "Rollback": "spacy_lambda.deploy.rollbacks",
    "S3Source": "spacy_lambda.cdk.source_settings",
    "ScheduleSource": "spacy_lambda.cdk.source_settings",
    "SharedSpec": "spacy_lambda.cdk.spec",
    "SharedStack": "spacy_lambda.cdk.shared_stack",
    "SqsSource": "spacy_lambda.cdk.source_settings",
    "MeasuredSize": "spacy_lambda.deploy.tuning",
    "Tuning": "spacy_lambda.deploy.tuning",
    "ZipCode": "spacy_lambda.cdk.spec",
    "deploy": "spacy_lambda.deploy.deployment",
    "destroy": "spacy_lambda.deploy.destruction",
    "eject": "spacy_lambda.deploy.ejection",
    "find_cdk": "spacy_lambda.deploy.cdk_cli",
    "open_account": "spacy_lambda.deploy.aws",
    "plan": "spacy_lambda.deploy.deployment",
    "plan_tuning": "spacy_lambda.deploy.tuning",
    "read_log": "spacy_lambda.deploy.logs",
    "rollback": "spacy_lambda.deploy.rollbacks",
    "status": "spacy_lambda.deploy.function_status",
    "tune": "spacy_lambda.deploy.tuning",
}

__getattr__ = lazy_imports(__name__, _LAZY_IMPORTS, extra="deploy")
