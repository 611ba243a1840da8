"""The alias that callers use, and what hangs on it."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from spacy_lambda.deploy.cdk.alarms import Alarms
from spacy_lambda.deploy.cdk.dashboard import Dashboard
from spacy_lambda.deploy.cdk.endpoint import Endpoint
from spacy_lambda.deploy.cdk.ner_function import NerFunction
from spacy_lambda.deploy.cdk.traffic import Canary
from spacy_lambda.deploy.spec import ALIAS, FunctionSpec

__all__ = ["LiveAlias"]


class LiveAlias(Construct):
    """The alias with its Function URL, its alarms and its dashboard.

    The version is a literal number: publishing one must not move the alias.

    :param spec: The function; it has a live version.
    :param ner: The function that was made from it.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, ner: NerFunction) -> None:
        super().__init__(scope, id)
        version = lambda_.Version.from_version_attributes(
            self, "Version", lambda_=ner.function, version=str(spec.live_version)
        )
        self.alias = lambda_.Alias(self, "Alias", alias_name=ALIAS, version=version, on_failure=ner.failed.destination)
        self.endpoint = Endpoint(self, "Endpoint", spec, self.alias)
        self.alarms = Alarms(self, "Alarms", spec, failed=ner.failed.queue)
        Dashboard(self, "Dashboard", spec, alarms=self.alarms.all)
        if spec.canary != "all-at-once":
            Canary(self, "Canary", spec, alias=self.alias, alarms=[self.alarms.errors, self.alarms.duration])
