"""Resources of a template by type and name, and the callers of a function, for people to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.cdk.settings import FunctionConfig
from spacy_lambda.cdk.spec import ALIAS, FunctionSpec
from spacy_lambda.core.strict_json import parse_json

__all__ = [
    "NOT_A_RESOURCE",
    "SOURCE_TYPES",
    "Callers",
    "PlannedResource",
    "caller_warnings",
    "callers",
    "names_of",
    "page_warnings",
    "planned_resources",
    "properties_of",
    "read_template",
    "resource_name",
]

NOT_A_RESOURCE = "AWS::CDK::Metadata"

SOURCE_TYPES = {
    "sqs": "AWS::Lambda::EventSourceMapping",
    "s3": "AWS::Events::Rule",
    "kinesis": "AWS::Lambda::EventSourceMapping",
    "schedule": "AWS::Scheduler::Schedule",
}
"""Types of the resources that connect event sources, by the source's kind."""

NAMES = (
    "AlarmName",
    "ApplicationName",
    "BucketName",
    "DashboardName",
    "DeploymentGroupName",
    "Endpoint",
    "FilterName",
    "FunctionName",
    "LogGroupName",
    "QueueName",
    "RepositoryName",
    "StateMachineName",
    "TopicName",
)


@dataclass(frozen=True)
class PlannedResource:
    """One resource.

    :param kind: CloudFormation's name of its type.
    :param name: Its name; a description if AWS generates the name.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Callers:
    """Callers of a function.

    :param public: Everybody can call it.
    :param about: In words.
    """

    public: bool
    about: str


def read_template(assembly: Path, stack: str) -> Mapping[str, Any]:
    """Read the template of a stack."""
    return dict(parse_json((assembly / f"{stack}.template.json").read_bytes()))


def planned_resources(template: Mapping[str, Any], stack: str) -> tuple[PlannedResource, ...]:
    """List the resources of a stack, in the template's order."""
    return tuple(
        PlannedResource(str(one["Type"]), resource_name(stack, key, one))
        for key, one in template["Resources"].items()
        if one["Type"] != NOT_A_RESOURCE
    )


def properties_of(template: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    """Return the properties of each resource of a type."""
    return [one.get("Properties", {}) for one in template["Resources"].values() if one["Type"] == kind]


def names_of(template: Mapping[str, Any], stack: str, *kinds: str) -> list[str]:
    """Return the names of the resources of some types."""
    return [resource_name(stack, key, one) for key, one in template["Resources"].items() if one["Type"] in kinds]


def resource_name(stack: str, key: str, resource: Mapping[str, Any]) -> str:
    """Return the name of a resource, or a description if AWS generates its name.

    :param key: Its logical id in the template.
    """
    properties = resource.get("Properties", {})
    if resource["Type"] in DESCRIPTIONS:
        return DESCRIPTIONS[resource["Type"]](stack, properties)
    named = (properties[name] for name in NAMES if isinstance(properties.get(name), str))
    return next(named, key)


def _url(stack: str, properties: Mapping[str, Any]) -> str:
    who = "PUBLIC" if properties["AuthType"] == "NONE" else "for signed requests (IAM)"
    return f"URL of {stack}:{ALIAS}, {who}"


def _permission(stack: str, properties: Mapping[str, Any]) -> str:
    who = "everybody" if properties["Principal"] == "*" else properties["Principal"]
    return f"{who} may {properties['Action']} on {stack}:{ALIAS}"


def _mapping(stack: str, properties: Mapping[str, Any]) -> str:
    arn = properties["EventSourceArn"]
    text = arn if isinstance(arn, str) else str(arn["Fn::Join"][1][-1])
    return f"{text.rpartition(':')[2]} invokes {stack}:{ALIAS}"


def _rule(stack: str, properties: Mapping[str, Any]) -> str:
    return str(properties.get("Description", f"a rule of {stack}"))


def _schedule(stack: str, properties: Mapping[str, Any]) -> str:
    return f"{properties['ScheduleExpression']} invokes {stack}:{ALIAS}"


DESCRIPTIONS: dict[str, Callable[[str, Mapping[str, Any]], str]] = {
    "AWS::Budgets::Budget": lambda stack, properties: str(properties["Budget"]["BudgetName"]),
    "AWS::Events::Rule": _rule,
    "AWS::IAM::Role": lambda stack, properties: str(properties.get("Description", f"a role of {stack}")),
    "AWS::Lambda::Alias": lambda stack, properties: f"{stack}:{properties['Name']}",
    "AWS::Lambda::EventSourceMapping": _mapping,
    "AWS::Lambda::Permission": _permission,
    "AWS::Lambda::Url": _url,
    "AWS::Lambda::Version": lambda stack, properties: f"{stack}: a new one if code or settings have changed",
    "AWS::Scheduler::Schedule": _schedule,
}


def callers(spec: FunctionSpec) -> Callers:
    """Describe the callers of the Function URL, and of the function by its name."""
    origins = ", ".join(spec.config.cors)
    pages = f"; web pages of {origins} can call it too" if origins else "; web pages of other origins cannot"
    if spec.config.auth == "none":
        return Callers(True, f'PUBLIC: anyone on the internet can call its URL, unsigned (auth = "none"){pages}')
    return Callers(
        False,
        f"principals with lambda:InvokeFunctionUrl and lambda:InvokeFunction on it in account {spec.account}"
        f'{_named_callers(spec)}, by signed requests (auth = "iam"){pages}',
    )


def _named_callers(spec: FunctionSpec) -> str:
    """Describe the principals that the alias's policy names. It suffices for roles and users of the same account."""
    named = [*dict.fromkeys(spec.config.callers)]
    own = [one for one in named if spec.account in one.split(":")]
    others = [one for one in named if one not in own]
    without = [_caller(one) for one in own if one != spec.account]
    return "".join(
        [
            f", without such a policy {', '.join(without)}" if without else "",
            f", and, if their own policies allow both, {', '.join(map(_caller, others))}" if others else "",
        ]
    )


def _caller(principal: str) -> str:
    """Name a principal: an account by its number, a role or a user by its path and its account."""
    if ":" not in principal:
        return f"principals of account {principal}"
    _, _, _, _, account, path = principal.split(":", 5)
    return f"{path} of account {account}"


def caller_warnings(config: FunctionConfig, account: str) -> tuple[str, ...]:
    """Warn of a caller that changes nothing.

    :param account: The function's account.
    """
    if account not in config.callers:
        return ()
    return (
        f"callers has {account}, the function's own account, which changes nothing: within it, a principal needs a"
        " policy of its own, or its ARN in callers",
    )


def page_warnings(config: FunctionConfig) -> tuple[str, ...]:
    """Warn of a page that no browser can open."""
    if not config.page or config.auth == "none":
        return ()
    return (
        'page = true with auth = "iam": browsers do not sign requests, and cannot open the page at the Function URL;'
        ' write auth = "none", or use the page of `spacy-lambda serve`',
    )
