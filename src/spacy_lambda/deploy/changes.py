"""Changes of a deployment, key by key: the deployed template compared with the new one.

Settings have the names of the project's file. Everything else that differs is named as well, so that what is not in the
list stays as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spacy_lambda.cdk.aws_names import PIPELINE_TAG
from spacy_lambda.core.env_names import (
    CACHE_VARIABLE,
    EXAMPLES_VARIABLE,
    METRICS_VARIABLE,
    PAGE_VARIABLE,
    PIPELINE_VARIABLE,
)
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.deploy.final_state import short_digest
from spacy_lambda.deploy.resources import NOT_A_RESOURCE, resource_name

__all__ = ["Change", "describe_changes", "find_changes"]

Resource = Mapping[str, Any]

FUNCTION = "AWS::Lambda::Function"
DASHBOARD = "AWS::CloudWatch::Dashboard"
POLICY = "AWS::IAM::Policy"
NOT_COMPARED = ("AWS::Lambda::Version", NOT_A_RESOURCE)
"""Types that are not compared: each change of code or settings publishes a version."""

IN_DESCRIPTIONS = 12
"""Characters of the pipeline's digest in descriptions of resources."""


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _presence(value: Any) -> str:
    return "true" if value else "false"


SETTINGS: Mapping[tuple[str, str], tuple[str, Callable[[Any], str]]] = {
    (FUNCTION, "MemorySize"): ("memory", _plain),
    (FUNCTION, "Timeout"): ("timeout", _plain),
    (FUNCTION, "Architectures"): ("architecture", _plain),
    (FUNCTION, "Runtime"): ("python", lambda value: str(value).removeprefix("python")),
    (FUNCTION, "ReservedConcurrentExecutions"): ("concurrency", _plain),
    (FUNCTION, "TracingConfig"): ("tracing", _presence),
    (FUNCTION, "SnapStart"): ("snapstart", _presence),
    ("AWS::Logs::LogGroup", "RetentionInDays"): ("log_retention", _plain),
    ("AWS::Lambda::Url", "AuthType"): ("auth", lambda value: str(value).removeprefix("AWS_").lower()),
    ("AWS::Lambda::Url", "Cors"): ("cors", lambda value: _plain(value["AllowOrigins"])),
    ("AWS::CodeDeploy::DeploymentGroup", "DeploymentConfigName"): ("canary", _plain),
    ("AWS::SNS::Subscription", "Endpoint"): ("alarm_email", _plain),
}
"""Keys of the file and the words of their values, by the properties that they set."""

VARIABLES = {PAGE_VARIABLE: "page", METRICS_VARIABLE: "metrics"}
"""Keys of the file by the variables that they set."""

NOUNS = {
    "AWS::CloudWatch::Alarm": "alarm",
    DASHBOARD: "dashboard",
    "AWS::Events::Rule": "event source",
    "AWS::IAM::Role": "role",
    "AWS::Lambda::Alias": "alias",
    "AWS::Lambda::EventSourceMapping": "event source",
    "AWS::Lambda::Permission": "invoke permission",
    "AWS::Lambda::Url": "URL",
    "AWS::Logs::LogGroup": "log group",
    "AWS::Logs::MetricFilter": "metric filter",
    "AWS::SQS::Queue": "queue",
    "AWS::Scheduler::Schedule": "event source",
    "AWS::StepFunctions::StateMachine": "state machine",
}


@dataclass(frozen=True)
class Change:
    """One change.

    :param what: A key of the project's file, or a resource.
    :param before: The value before; ``None`` if there was none, or it is not one that people read.
    :param after: The value afterwards.
    """

    what: str
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.before is None and self.after is None:
            return self.what
        return f"{self.what} {self.before or 'unset'} → {self.after or 'unset'}"


def describe_changes(changes: Iterable[Change]) -> str:
    """Return the changes in one line."""
    listed = ", ".join(map(str, changes))
    return f"{listed}; nothing else" if listed else "nothing"


def find_changes(before: Mapping[str, Any], after: Mapping[str, Any], *, stack: str) -> tuple[Change, ...]:
    """Compare the templates of a stack.

    :param before: The deployed one.
    :param after: The new one.
    """
    old, new = _resources(before), _resources(after)
    models = _model(old), _model(new)
    changes = [] if models[0] == models[1] else [Change("model", *(one and short_digest(one) for one in models))]
    for key in new.keys() & old.keys():
        changes += _resource_changes(stack, key, _with_digest(old[key], *models), new[key])
    for word, ours, theirs in (("added", new, old), ("removed", old, new)):
        changes += [Change(f"{one} {word}") for one in _counted(ours[key]["Type"] for key in ours.keys() - theirs)]
    return tuple(sorted(dict.fromkeys(changes), key=lambda change: _rank(change.what)))


def _rank(what: str) -> tuple[int, str]:
    """Order changes: the model and the code, then keys, then everything else."""
    keys = ["model", "code", *(key for key, _ in SETTINGS.values()), *VARIABLES.values()]
    return (keys.index(what), "") if what in keys else (len(keys), what)


def _resources(template: Mapping[str, Any]) -> dict[str, Resource]:
    return {key: one for key, one in template.get("Resources", {}).items() if one["Type"] not in NOT_COMPARED}


def _model(resources: Mapping[str, Resource]) -> str | None:
    """Return the digest of the pipeline, which is a tag of the function."""
    functions = (one["Properties"] for one in resources.values() if one["Type"] == FUNCTION)
    tags = (tag for function in functions for tag in function.get("Tags", ()) if tag["Key"] == PIPELINE_TAG)
    return next((str(tag["Value"]) for tag in tags), None)


def _with_digest(resource: Resource, old: str | None, new: str | None) -> Resource:
    """Return a resource with the new pipeline's digest wherever it has the old one's: in tags and descriptions."""
    if old is None or new is None or old == new:
        return resource
    text = json.dumps(resource).replace(old, new).replace(old[:IN_DESCRIPTIONS], new[:IN_DESCRIPTIONS])
    return dict(parse_json(text))


def _resource_changes(stack: str, key: str, old: Resource, new: Resource) -> Iterator[Change]:
    kind, is_named = str(new["Type"]), True
    before, after = old.get("Properties", {}), new.get("Properties", {})
    for name in [one for one in dict.fromkeys([*before, *after]) if before.get(one) != after.get(one)]:
        found = list(_property_changes(kind, name, before.get(name), after.get(name)))
        is_named = is_named and bool(found)
        yield from found
    policies = [{name: one.get(name) for name in ("UpdatePolicy", "DeletionPolicy")} for one in (old, new)]
    if not is_named or policies[0] != policies[1]:
        noun = NOUNS.get(kind, kind.rpartition("::")[2])
        yield Change(noun if kind == DASHBOARD else f"{noun} {resource_name(stack, key, new)}")


def _property_changes(kind: str, name: str, old: Any, new: Any) -> Iterator[Change]:
    """Yield the changes of a property that has a name of its own."""
    if (kind, name) in SETTINGS:
        key, words = SETTINGS[kind, name]
        yield Change(key, *(None if value is None else words(value) for value in (old, new)))
    elif name == "Tags":
        yield Change("tags")
    elif (kind, name) == (POLICY, "PolicyDocument"):
        yield _permission_change(old, new)
    elif (kind, name) == (FUNCTION, "Code"):
        yield Change("code")
    elif (kind, name) == (FUNCTION, "Environment"):
        yield from _variable_changes((old or {}).get("Variables", {}), (new or {}).get("Variables", {}))


def _permission_change(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Change:
    before, after = _actions(old), _actions(new)
    changed = [*(f"+{one}" for one in sorted(after - before)), *(f"-{one}" for one in sorted(before - after))]
    return Change(f"permissions of the function's role ({' '.join(changed) or 'on other resources'})")


def _actions(document: Mapping[str, Any] | None) -> set[str]:
    actions = [statement["Action"] for statement in (document or {}).get("Statement", ())]
    return {one for action in actions for one in ([action] if isinstance(action, str) else action)}


def _variable_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in [one for one in dict.fromkeys([*old, *new]) if old.get(one) != new.get(one)]:
        if name in VARIABLES:
            yield Change(VARIABLES[name], _presence(old.get(name)), _presence(new.get(name)))
        elif name == EXAMPLES_VARIABLE:
            yield Change("examples")
        elif name in (PIPELINE_VARIABLE, CACHE_VARIABLE):
            yield Change("location of the pipeline")
        else:
            yield Change(f"environment.{name}", *(one.get(name) and str(one[name]) for one in (old, new)))


def _counted(kinds: Iterable[str]) -> Iterator[str]:
    for kind, number in sorted(Counter(kinds).items()):
        noun = NOUNS.get(kind, kind.rpartition("::")[2])
        yield noun if number == 1 else f"{number} {noun}s"
