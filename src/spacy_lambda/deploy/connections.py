"""Event sources that are connected to a live version."""

from __future__ import annotations

from spacy_lambda.cdk.source_settings import make_source
from spacy_lambda.cdk.spec import CONNECTED
from spacy_lambda.config.project import SourceConfig
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.stacks import deployed_template, unknown_metadata

__all__ = ["connected_sources"]


def connected_sources(aws: AwsAccount, function: str) -> tuple[SourceConfig, ...]:
    """Return the event sources of a deployed function.

    A release keeps them until the new version is live: it connects new ones no earlier, and cuts removed ones off no
    earlier either, because events would be lost or fail.

    :param function: Its name, which is that of its stack.
    :raises DeployError: If AWS refuses, or a newer spacy-lambda has connected them.
    """
    metadata = deployed_template(aws, function).get("Metadata", {})
    try:
        return tuple(map(make_source, parse_json(metadata.get(CONNECTED, "[]"))))
    except (KeyError, TypeError, ValueError) as exc:
        raise unknown_metadata("event sources", function, exc) from exc
