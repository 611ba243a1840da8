"""Live alias, with the resources that belong to it."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from .alarms import Alarms
from .bulk import BulkAnnotation
from .caller_permissions import CallerPermissions
from .dashboard import Dashboard
from .endpoint import Endpoint
from .event_sources import EventSources
from .ner_function import NerFunction
from .spec import ALIAS, FunctionSpec
from .traffic import Canary

__all__ = ["LiveAlias"]


class LiveAlias(Construct):
    """The live alias with its Function URL, callers, event sources, alarms and dashboard.

    Its version is a literal number, so that publishing another one does not move it.

    :param spec: The function; it has a live version.
    :param ner: The construct of the function.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, ner: NerFunction) -> None:
        super().__init__(scope, id)
        version = lambda_.Version.from_version_attributes(
            self, "Version", lambda_=ner.function, version=str(spec.live_version)
        )
        self.alias = lambda_.Alias(self, "Alias", alias_name=ALIAS, version=version, on_failure=ner.failed.destination)
        self.endpoint = Endpoint(self, "Endpoint", spec, self.alias)
        if spec.config.callers:
            CallerPermissions(self, "Callers", spec, alias=self.alias)
        self.alarms = Alarms(self, "Alarms", spec, failed=ner.failed.queue, log_group=ner.log_group)
        Dashboard(self, "Dashboard", spec, alarms=self.alarms.all)
        if spec.config.canary != "all-at-once":
            Canary(self, "Canary", spec, alias=self.alias, alarms=[self.alarms.errors, self.alarms.duration])
        if spec.connected_sources:
            EventSources(self, "Sources", spec, ner=ner, alias=self.alias)
        if spec.config.bulk is not None:
            BulkAnnotation(self, "Bulk", spec, spec.config.bulk, alias=self.alias)
