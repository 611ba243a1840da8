"""The contents of a plan: all resources, callers and concurrency."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from spacy_lambda.cdk.source_settings import SqsSource
from spacy_lambda.config.project import PUBLIC_CONCURRENCY, FunctionConfig
from spacy_lambda.deploy.aws import AwsAccount
from spacy_lambda.deploy.concurrency import concurrency_limits
from spacy_lambda.deploy.cost import Cost, Sizes, estimate
from spacy_lambda.deploy.latency import Latency
from spacy_lambda.deploy.resources import caller_warnings, callers, page_warnings, planned_resources, read_template
from spacy_lambda.errors import DeployError
from spacy_lambda.runtime.telemetry.recorder import Recorder
from tests.config.files import FUNCTION, PROJECT, faults, load
from tests.deploy.specs import ACCOUNT, CALLERS, Template, function_spec

LOGS_GB = 0.63
"""Dollars for a GB of logs in eu-central-1, where the project is."""


class Lambda:
    """Lambda's API of an account with a limit, and with what is reserved of it."""

    def __init__(self, limit: int, reserved: dict[str, int], *, denied: bool = False) -> None:
        self._limit, self._reserved, self._denied = limit, reserved, denied

    class exceptions:
        class ResourceNotFoundException(Exception):
            pass

    def get_account_settings(self) -> Any:
        if self._denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetAccountSettings")
        free = self._limit - sum(self._reserved.values())
        return {"AccountLimit": {"ConcurrentExecutions": self._limit, "UnreservedConcurrentExecutions": free}}

    def get_function_concurrency(self, FunctionName: str) -> Any:
        if FunctionName not in self._reserved:
            raise self.exceptions.ResourceNotFoundException
        return {"ReservedConcurrentExecutions": self._reserved[FunctionName]}


class Session:
    def __init__(self, api: Lambda) -> None:
        self._api = api

    def client(self, service: str, **_: Any) -> Lambda:
        assert service == "lambda"
        return self._api


def limits(*functions: FunctionConfig, limit: int = 1000, denied: bool = False, **reserved: int) -> Any:
    api = Lambda(limit, {name.replace("_", "-"): number for name, number in reserved.items()}, denied=denied)
    return concurrency_limits(AwsAccount("123456789012", "eu-central-1", Session(api)), "papers", functions)


def function(name: str = "ner", **settings: Any) -> FunctionConfig:
    return FunctionConfig(name=name, pipeline="./compiled", **settings)


def test_a_public_function_has_a_limit_unless_it_is_unlimited() -> None:
    found = limits(function(auth="none"))["ner"]
    assert found.reserved == PUBLIC_CONCURRENCY == 10
    assert found.about == 'at most 10, the default with auth = "none", reserved for it'
    assert limits(function(auth="none", concurrency=3))["ner"].reserved == 3
    unlimited = limits(function(auth="none", concurrency="unlimited"))["ner"]
    assert (unlimited.reserved, "WARNING" in unlimited.about) == ("unlimited", True)


def test_a_function_that_is_not_public_has_what_it_is_given() -> None:
    assert limits(function())["ner"].reserved is None
    assert limits(function(concurrency=5))["ner"].reserved == 5
    assert "WARNING" not in limits(function(concurrency="unlimited"))["ner"].about


@pytest.mark.parametrize(("limit", "reserved"), [(10, 0), (100, 0), (109, 0), (1000, 895)])
def test_an_account_with_too_little_concurrency_gives_its_own_limit(limit: int, reserved: int) -> None:
    found = limits(function(auth="none"), limit=limit, other=reserved)["ner"]
    assert found.reserved == "unlimited"
    assert f"at most {limit}, the account's own limit" in found.about
    with pytest.raises(DeployError, match=r"functions\.ner\.concurrency is 10") as caught:
        limits(function(concurrency=10), limit=limit, other=reserved)
    assert "quota" in caught.value.remedy


def test_the_whole_quota_can_be_reserved() -> None:
    assert limits(function(concurrency=10), limit=110)["ner"].reserved == 10
    assert limits(function(concurrency=900), limit=1000)["ner"].reserved == 900


def test_concurrency_reserved_before_is_not_counted_twice() -> None:
    assert limits(function(concurrency=10), limit=110, papers_ner=10)["ner"].reserved == 10


def test_functions_that_are_deployed_together_share_the_quota() -> None:
    pair = (function("a", concurrency=50), function("b", concurrency=51))
    with pytest.raises(DeployError, match=r"functions\.b\.concurrency is 51"):
        limits(*pair, limit=200)
    assert {one.reserved for one in limits(*pair, limit=201).values()} == {50, 51}


def test_a_denied_quota_request_does_not_prevent_a_deployment() -> None:
    found = limits(function(auth="none"), denied=True)["ner"]
    assert found.reserved == 10
    assert found.about.endswith("(not checked against the account's: AccessDeniedException)")


def test_a_rehearsal_has_no_quota() -> None:
    aws = AwsAccount("123456789012", "eu-central-1", None, is_emulated=True)
    found = concurrency_limits(aws, "papers", [function(auth="none")])["ner"]
    assert (found.reserved, found.about.endswith("(not checked in a rehearsal)")) == (10, True)


@pytest.mark.parametrize("value", ['"10"', '"Unlimited"', '""', "0", "-1", "1.5", "true"])
def test_invalid_concurrency(tmp_path: Path, value: str) -> None:
    (fault,) = faults(tmp_path, f"{PROJECT}{FUNCTION}concurrency = {value}\n")
    assert fault[0] == "functions.ner.concurrency"


@pytest.mark.parametrize(("value", "read"), [('"unlimited"', "unlimited"), ("7", 7)])
def test_valid_concurrency(tmp_path: Path, value: str, read: Any) -> None:
    assert load(tmp_path, f"{PROJECT}{FUNCTION}concurrency = {value}\n").functions[0].concurrency == read


def test_the_constructs_make_no_public_function_without_a_word(zipped: Path) -> None:
    from aws_cdk import App

    from spacy_lambda.deploy import NerFunction

    with pytest.raises(ValueError, match="'ner' is public, and its concurrency has no limit"):
        NerFunction(App(), "Bad", function_spec(zipped, "ner", auth="none"))


def test_every_resource_of_a_template_is_named(templates: dict[str, Template], assembly: Path) -> None:
    for name, template in templates.items():
        stack = "news" if name == "shared" else f"news-{name}"
        found = planned_resources(read_template(assembly, stack), stack)
        kinds = [one["Type"] for one in template.resources.values() if one["Type"] != "AWS::CDK::Metadata"]
        assert [one.kind for one in found] == kinds
        assert all(one.name for one in found)


def test_the_plan_names_the_resources_of_a_public_function(assembly: Path) -> None:
    found = {one.name for one in planned_resources(read_template(assembly, "news-public"), "news-public")}
    assert {
        "news-public",
        "news-public:live",
        "URL of news-public:live, PUBLIC",
        "everybody may lambda:InvokeFunctionUrl on news-public:live",
        "everybody may lambda:InvokeFunction on news-public:live",
        "/aws/lambda/news-public",
        "news-public-failed",
        "news-public-alarms",
        "news-public-errors",
        "news-public-init",
        "somebody@example.org",
        "Permissions of news-public",
    } <= found
    plain = {one.name for one in planned_resources(read_template(assembly, "news-plain"), "news-plain")}
    assert "URL of news-plain:live, for signed requests (IAM)" in plain
    assert not any("PUBLIC" in name or "everybody" in name for name in plain)


def test_the_plan_names_the_permissions_of_callers(assembly: Path) -> None:
    found = {one.name for one in planned_resources(read_template(assembly, "news-called"), "news-called")}
    assert {
        f"{CALLERS[0]} may lambda:InvokeFunction on news-called:live",
        f"{CALLERS[0]} may lambda:InvokeFunctionUrl on news-called:live",
        "444455556666 may lambda:InvokeFunction on news-called:live",
    } <= found


def test_callers_are_described_in_words(zipped: Path) -> None:
    public = callers(function_spec(zipped, "ner", auth="none", cors=("*",)))
    assert public.public
    assert public.about.startswith("PUBLIC: anyone on the internet can call its URL")
    private = callers(function_spec(zipped, "ner"))
    assert not private.public
    assert "lambda:InvokeFunctionUrl and lambda:InvokeFunction" in private.about
    assert callers(function_spec(zipped, "ner", callers=CALLERS)).about == (
        f"principals with lambda:InvokeFunctionUrl and lambda:InvokeFunction on it in account {ACCOUNT}, without such a"
        f" policy user/ada of account {ACCOUNT}, and, if their own policies allow both, role/team/backend of account"
        ' 111122223333, principals of account 444455556666, by signed requests (auth = "iam"); web pages of other'
        " origins cannot"
    )


def test_the_own_account_as_a_caller_is_warned_of() -> None:
    (warning,) = caller_warnings(function(callers=(*CALLERS, ACCOUNT)), ACCOUNT)
    assert "the function's own account, which changes nothing" in warning
    assert caller_warnings(function(callers=CALLERS), ACCOUNT) == caller_warnings(function(), ACCOUNT) == ()


HERE = Latency(source="texts.jsonl", texts=3, characters=800, runs=5, ms=20.0, cpus=2.0)


def cost(tmp_path: Path, **settings: Any) -> Cost:
    spec = function_spec(tmp_path / "bundle.zip", "ner", **settings)
    return estimate(spec, sizes=Sizes(code=0, model=0, line=1000), versions=3, latency=HERE)


@pytest.mark.parametrize(("queues", "dollars"), [(0, None), (2, 0.53)])
def test_polling_a_queue_costs(tmp_path: Path, queues: int, dollars: float | None) -> None:
    sources = tuple(SqsSource(queue=f"texts-{number}") for number in range(queues))
    idle = cost(tmp_path, sources=sources).idle
    assert (round(idle["queues"], 2) if "queues" in idle else None) == dollars


@pytest.mark.parametrize(
    ("settings", "metrics", "alarms"),
    [
        ({}, 11, 0.5),
        ({"snapstart": True}, 10, 0.4),
        ({"metrics": False}, 0, 0.4),
        ({"alarm_empty_percentage": 60}, 13, 0.7),
    ],
)
def test_custom_metrics_cost_and_are_a_choice(
    tmp_path: Path, settings: dict[str, Any], metrics: int, alarms: float
) -> None:
    found = cost(tmp_path, **settings)
    assert found.metrics == metrics  # nine of each function, of which one is that of inits, and one for each label
    assert found.in_use == ({"custom metrics": pytest.approx(0.3 * metrics)} if metrics else {})
    assert round(found.idle["alarms"], 2) == alarms


def test_the_emitted_metrics_are_those_that_are_counted(tmp_path: Path) -> None:
    lines: list[str] = []
    recorder = Recorder({"SPACY_LAMBDA_METRICS": "news"}, model="m", labels=("ORG", "PERSON"), write=lines.append)
    with recorder.invocation("1"):
        pass
    directives = json.loads(lines[0])["_aws"]["CloudWatchMetrics"]
    assert sum(len(one["Metrics"]) for one in directives) == cost(tmp_path).metrics


def test_logs_and_traces_of_a_million_texts_cost(tmp_path: Path) -> None:
    parts = cost(tmp_path, memory=1769, tracing=True).per_million
    assert list(parts) == ["requests", "compute", "logs and metrics", "traces"]
    assert (parts["requests"], parts["traces"]) == (0.2, 0.25)
    assert parts["logs and metrics"] == pytest.approx(LOGS_GB * (1000 + 550 + 3 * 26) / 1000)
    assert "logs" in cost(tmp_path, metrics=False).per_million


def test_memory_changes_the_duration_and_the_price(tmp_path: Path) -> None:
    """20 ms were measured on two CPUs; one vCPU needs longer, and half of one twice as long again."""
    assert HERE.on(2 * 1769) == pytest.approx(20)
    assert HERE.on(1769) == pytest.approx(20 * 2**0.6)
    assert HERE.on(1769 // 2) == pytest.approx(2 * 20 * 2**0.6, rel=0.01)
    small, large = (cost(tmp_path, memory=memory) for memory in (1769, 3538))
    assert small.ms > large.ms
    assert small.per_million["compute"] < large.per_million["compute"]


def test_a_page_that_no_browser_can_open_is_warned_of() -> None:
    (warning,) = page_warnings(function(page=True))
    assert "browsers do not sign requests" in warning
    assert page_warnings(function(page=True, auth="none")) == page_warnings(function()) == ()
