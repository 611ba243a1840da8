"""Stack of one function."""

from __future__ import annotations

import json
from dataclasses import asdict

from aws_cdk import CfnOutput, Environment, Stack
from constructs import Construct

from .budget import MonthlyBudget
from .live_alias import LiveAlias
from .ner_function import NerFunction
from .network import zones
from .spec import CONNECTED, LIVE_BEFORE, FunctionSpec
from .strings import check_strings
from .tags import add_tags

__all__ = ["FunctionStack"]


class FunctionStack(Stack):
    """A function, and with a live version, its alias, URL, alarms and dashboard.

    Its outputs are ``Version``, the version of the code in this template, and ``Url``. Its metadata has the event
    sources that are connected, for the next deployment, and the versions that were live before, for rollbacks. Its
    parts are ``ner`` and ``live``, which is ``None`` without a live version.

    :param scope: The app.
    :param id: Id of the stack within the app.
    :param spec: The function, and its live version.
    :param env: Account and region.
    """

    def __init__(self, scope: Construct, id: str, spec: FunctionSpec, *, env: Environment | None = None) -> None:
        check_strings(spec)
        super().__init__(scope, id, env=env, description=f"{spec.function_name}: entities, by a spaCy pipeline")
        self.ner = NerFunction(self, "Ner", spec)
        self.live: LiveAlias | None = None
        CfnOutput(self, "Version", value=self.ner.version.version)
        if spec.config.budget is not None:
            MonthlyBudget(self, "Budget", spec)
        if spec.live_version is not None:
            self.live = LiveAlias(self, "Live", spec, self.ner)
            CfnOutput(self, "Url", value=self.live.endpoint.url)
            connected, before = [asdict(source) for source in spec.connected_sources], spec.live_before
            recorded = {
                key: json.dumps(value) for key, value in ((CONNECTED, connected), (LIVE_BEFORE, before)) if value
            }
            if recorded:
                self.template_options.metadata = recorded
        add_tags(self, spec)

    @property
    def availability_zones(self) -> list[str]:
        """Availability zones by number, because the CDK would look up their names in the account."""
        return zones()
