"""The final state of a function in words: what exists once it is live, as its template has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy_lambda.cdk.spec import ALIAS, FunctionSpec
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import megabytes
from spacy_lambda.core.lambda_limits import MB_PER_VCPU
from spacy_lambda.deploy.cost import Cost
from spacy_lambda.deploy.preparation import Prepared
from spacy_lambda.deploy.resources import SOURCE_TYPES, Callers, names_of, properties_of

__all__ = ["Fact", "final_state", "short_digest"]

DIGEST = 8
"""Characters of a digest that people compare."""

MACHINES = "AWS::StepFunctions::StateMachine"


@dataclass(frozen=True)
class Fact:
    """One part of the final state.

    :param name: Its name, such as ``alarms``.
    :param value: Its description.
    """

    name: str
    value: str


def final_state(
    template: Mapping[str, Any],
    spec: FunctionSpec,
    prepared: Prepared,
    *,
    live: str | None,
    callers: Callers,
    concurrency: str,
    cost: Cost,
) -> tuple[Fact, ...]:
    """Describe what exists once a function is live; the callers come first.

    :param template: The template of its stack.
    :param live: The version that is live now.
    :param concurrency: Its concurrency, in words.
    """
    stack = spec.function_name
    facts = {
        "callers": callers.about,
        "function": _function(template, spec),
        "concurrency": concurrency,
        "code": _code(prepared),
        "pipeline": _pipeline(spec, prepared),
        "alias": _alias(spec, prepared, live),
        "URL": _url(template, spec),
        "event sources": "; ".join(names_of(template, stack, *SOURCE_TYPES.values())) or "none",
        "corpora": "; ".join(f"state machine {name}" for name in names_of(template, stack, MACHINES)) or "none",
        "alarms": _alarms(template, spec),
        "dashboard": ", ".join(names_of(template, stack, "AWS::CloudWatch::Dashboard")),
        "metrics": f"{cost.metrics} custom metrics" if cost.metrics else "none of its own",
        "log group": _log_group(template),
        "failed events": f"queue {', '.join(names_of(template, stack, 'AWS::SQS::Queue'))}",
        "budget": "" if spec.config.budget is None else _budget(spec.config.budget),
    }
    return tuple(Fact(name, value) for name, value in facts.items() if value)


def short_digest(digest: str) -> str:
    """Shorten a digest for people."""
    return f"{digest[:DIGEST]}…" if len(digest) > DIGEST else digest


def _budget(usd: float) -> str:
    return f"email above ${usd:,.2f} a month, once the project's cost allocation tags are activated"


def _function(template: Mapping[str, Any], spec: FunctionSpec) -> str:
    (found,) = properties_of(template, "AWS::Lambda::Function")
    parts = [
        f"{found['MemorySize']:,} MB ({found['MemorySize'] / MB_PER_VCPU:.2f} vCPU)",
        f"timeout {found['Timeout']} s",
        f"{found['Architectures'][0]}, Python {spec.config.python}",
        "SnapStart" if "SnapStart" in found else "",
        "traced by X-Ray" if spec.config.tracing else "",
        "in a VPC without internet access, with EFS" if "VpcConfig" in found else "",
    ]
    return f"{spec.function_name}: {', '.join(part for part in parts if part)}"


def _code(prepared: Prepared) -> str:
    bundle = prepared.bundle
    kind = prepared.config.shape if bundle.package_type == "image" else "zip"
    zipped = "" if bundle.zipped is None else f"{megabytes(bundle.zipped)}, "
    return f"{kind}, {zipped}{megabytes(bundle.unzipped)} unzipped: {bundle.reason}"


def _pipeline(spec: FunctionSpec, prepared: Prepared) -> str:
    name, _, version = prepared.location.path.rpartition("/")[2], "", prepared.location.ref or ""
    labels = ", ".join(prepared.labels) or "no entity labels known"
    return f"{name} {version}, sha256 {short_digest(spec.sha256)}; {labels}"


def _alias(spec: FunctionSpec, prepared: Prepared, live: str | None) -> str:
    tests, kept = count(len(prepared.golden_tests), "golden test"), prepared.config.keep_versions
    now = "" if live is None else f", now on version {live}"
    shift = "" if spec.config.canary == "all-at-once" else f", shifted {spec.config.canary}"
    return (
        f"{ALIAS}{now}: moves to a version that passes {tests}{shift}; keeps {count(kept - 1, 'earlier version')}"
        " for `spacy-lambda rollback`"
    )


def _url(template: Mapping[str, Any], spec: FunctionSpec) -> str:
    (url,) = properties_of(template, "AWS::Lambda::Url")
    auth = "PUBLIC, unsigned requests" if url["AuthType"] == "NONE" else "signed requests only (IAM)"
    return f"Function URL, {auth}{', with the page' if spec.config.page else ''}"


def _alarms(template: Mapping[str, Any], spec: FunctionSpec) -> str:
    prefix = f"{spec.function_name}-"
    names = [name.removeprefix(prefix) for name in names_of(template, spec.function_name, "AWS::CloudWatch::Alarm")]
    mail = f"email to {spec.config.alarm_email}" if spec.config.alarm_email else "no email (alarm_email is not set)"
    return f"{', '.join(names)}; {mail}"


def _log_group(template: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{group['LogGroupName']}, kept for {count(group['RetentionInDays'], 'day')}"
        for group in properties_of(template, "AWS::Logs::LogGroup")
    )
