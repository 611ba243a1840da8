"""The plan's words for what exists afterwards."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from spacy_lambda.cdk.spec import FunctionSpec, ImageCode
from spacy_lambda.core.location import parse_location
from spacy_lambda.deploy.cost import Cost
from spacy_lambda.deploy.final_state import final_state
from spacy_lambda.deploy.preparation import Prepared
from spacy_lambda.deploy.resources import callers
from tests.deploy.specs import PIPELINE, SHA256, Template


def prepared(spec: FunctionSpec, **changed: Any) -> Prepared:
    bundle = SimpleNamespace(
        package_type="image" if isinstance(spec.code, ImageCode) else "zip",
        zipped=None if isinstance(spec.code, ImageCode) else 71_000_000,
        unzipped=168_000_000,
        reason="it fits in a zip",
    )
    values = {
        "config": spec.config,
        "bundle": bundle,
        "location": parse_location(PIPELINE),
        "labels": spec.labels,
        "golden_tests": (1, 2, 3),
    }
    return cast("Prepared", SimpleNamespace(**{**values, **changed}))


def state(spec: FunctionSpec, template: Template, *, live: str | None = None) -> dict[str, str]:
    cost = Cost({}, {}, 11 if spec.config.metrics else 0, {}, 20.0)
    facts = final_state(
        template.content,
        spec,
        prepared(spec),
        live=live,
        callers=callers(spec),
        concurrency="at most 5",
        cost=cost,
    )
    return {fact.name: fact.value for fact in facts}


def test_what_exists_afterwards(specs: list[FunctionSpec], templates: dict[str, Template]) -> None:
    by_name = {spec.name: spec for spec in specs}
    public = state(by_name["public"], templates["public"], live="7")
    assert next(iter(public)) == "callers"
    assert public["callers"].startswith("PUBLIC: anyone on the internet can call its URL")
    assert public["function"] == "news-public: 3,008 MB (1.70 vCPU), timeout 20 s, arm64, Python 3.12, traced by X-Ray"
    assert public["code"] == "zip, 71.0 MB, 168.0 MB unzipped: it fits in a zip"
    assert public["pipeline"] == f"en_news 1.0.0-int8, sha256 {SHA256[:8]}…; ORG, PERSON"
    assert public["alias"] == (
        "live, now on version 7: moves to a version that passes 3 golden tests, shifted 10percent-5minutes;"
        " keeps 2 earlier versions for `spacy-lambda rollback`"
    )
    assert public["URL"] == "Function URL, PUBLIC, unsigned requests"
    assert public["alarms"] == "errors, throttles, duration, failed-events, init; email to somebody@example.org"
    assert public["dashboard"] == "news-public"
    assert public["log group"] == "/aws/lambda/news-public, kept for 14 days"
    assert public["failed events"] == "queue news-public-failed"
    assert public["budget"] == "email above $25.50 a month, once the project's cost allocation tags are activated"
    quiet = state(by_name["quiet"], templates["quiet"])
    assert "principals with lambda:InvokeFunctionUrl" in quiet["callers"]
    assert (quiet["URL"], quiet["metrics"]) == ("Function URL, signed requests only (IAM)", "none of its own")
    assert quiet["alarms"] == "errors, throttles, duration, failed-events; no email (alarm_email is not set)"
    bulk = state(by_name["bulk"], templates["bulk"])
    assert bulk["alarms"].startswith("errors, throttles, duration, failed-events, init, empty-texts;")
    reading = state(by_name["reading"], templates["reading"])
    assert "texts invokes news-reading:live" in reading["event sources"]
    assert bulk["corpora"] == "state machine news-bulk-annotate"
    assert "in a VPC" in state(by_name["efs"], templates["efs"])["function"]
    assert "SnapStart" in state(by_name["image"], templates["image"])["function"]
