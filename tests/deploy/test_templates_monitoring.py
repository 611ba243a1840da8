"""Alarms, the dashboard, the budget, and releases that are watched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.cdk.prices import usd
from spacy_lambda.runtime.telemetry.recorder import Recorder
from tests.deploy.specs import Template, function_spec

ALIAS = [("FunctionName", "news-public"), ("Resource", "news-public:live")]


def _alarms(template: Template) -> dict[str, dict[str, Any]]:
    return {one["AlarmName"]: one for one in template.all("AWS::CloudWatch::Alarm")}


def _body(template: Template) -> dict[str, Any]:
    dashboard = template.one("AWS::CloudWatch::Dashboard")
    return dict(json.loads(dashboard["DashboardBody"]))


def _metrics(template: Template, title: str) -> list[list[Any]]:
    (found,) = [one["properties"] for one in _body(template)["widgets"] if one["properties"].get("title") == title]
    return list(found["metrics"])


@pytest.mark.parametrize(
    ("name", "metric", "statistic", "threshold", "periods"),
    [
        ("errors", "Errors", "Sum", 1, 1),
        ("throttles", "Throttles", "Sum", 1, 1),
        ("duration", "Duration", "p99", 0.8 * 20 * 1000, 3),
    ],
)
def test_the_alias_is_watched(
    templates: dict[str, Template], name: str, metric: str, statistic: str, threshold: float, periods: int
) -> None:
    alarm = _alarms(templates["public"])[f"news-public-{name}"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Period"]) == ("AWS/Lambda", metric, 60)
    assert [(one["Name"], one["Value"]) for one in alarm["Dimensions"]] == ALIAS
    assert alarm.get("Statistic", alarm.get("ExtendedStatistic")) == statistic
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (threshold, periods)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_inits_are_watched_by_the_functions_own_metric(templates: dict[str, Template]) -> None:
    alarm = _alarms(templates["public"])["news-public-init"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("news", "InitDuration", "Maximum")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "news-public"}]
    assert alarm["Threshold"] == 8000


def test_texts_without_entities_are_watched_whichever_model_is_live(templates: dict[str, Template]) -> None:
    template = templates["bulk"]
    alarm = _alarms(template)["news-bulk-empty-texts"]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (60, "GreaterThanOrEqualToThreshold")
    assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (1, "notBreaching")
    share, *metrics = alarm["Metrics"]
    assert share["Expression"] == "IF(texts >= 20, 100 * empty / texts, 0)"
    dimensions = [{"Name": "FunctionName", "Value": "news-bulk"}]
    assert {one["Id"]: one["MetricStat"] for one in metrics} == {
        name: {
            "Metric": {"Dimensions": dimensions, "MetricName": metric, "Namespace": "news"},
            "Period": 3600,
            "Stat": "Sum",
        }
        for name, metric in {"texts": "Texts", "empty": "EmptyAnswers"}.items()
    }
    assert "news-plain-empty-texts" not in _alarms(templates["plain"])


def test_the_watched_metrics_are_made_of_the_lines_that_the_function_logs(templates: dict[str, Template]) -> None:
    lines: list[str] = []
    environ = {"SPACY_LAMBDA_METRICS": "news", "AWS_LAMBDA_FUNCTION_NAME": "news-bulk"}
    with Recorder(environ, model="m", write=lines.append).invocation("1"):
        pass
    logged = json.loads(lines[0])
    filters = templates["bulk"].all("AWS::Logs::MetricFilter")
    assert [one["FilterName"] for one in filters] == ["news-bulk-Texts", "news-bulk-EmptyAnswers"]
    for one in filters:
        assert one["LogGroupName"] == "${AWS::Logs::LogGroup}"
        (made,) = one["MetricTransformations"]
        name = made["MetricName"]
        assert one["FilterPattern"] == "{ $.Texts > 0 }"
        assert (made["MetricNamespace"], made["MetricValue"]) == ("news", f"$.{name}")
        assert made["Dimensions"] == [{"Key": "FunctionName", "Value": "$.FunctionName"}]
        assert (logged[name], logged["FunctionName"]) == (0, "news-bulk")


def test_the_constructs_make_no_alarm_without_its_metrics(zipped: Path) -> None:
    from aws_cdk import App

    from spacy_lambda.deploy import NerFunction

    with pytest.raises(ValueError, match="'ner' has alarm_empty_percentage, and emits no metrics"):
        NerFunction(App(), "Bad", function_spec(zipped, "ner", metrics=False, alarm_empty_percentage=60))


def test_events_that_were_given_up_are_watched(templates: dict[str, Template]) -> None:
    alarm = _alarms(templates["public"])["news-public-failed-events"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "${AWS::SQS::Queue.QueueName}"}]


@pytest.mark.parametrize(("name", "count"), [("first", 0), ("plain", 5), ("public", 5), ("image", 4), ("quiet", 4)])
def test_cold_starts_are_watched_only_if_lambda_reports_them(
    templates: dict[str, Template], name: str, count: int
) -> None:
    alarms = _alarms(templates[name])
    assert len(alarms) == count
    assert (f"news-{name}-init" in alarms) == (count == 5)
    assert {one["TreatMissingData"] for one in alarms.values()} <= {"notBreaching"}


def test_alarms_are_mailed_to_the_configured_address(templates: dict[str, Template]) -> None:
    template = templates["public"]
    assert template.one("AWS::SNS::Subscription") == {
        "Endpoint": "somebody@example.org",
        "Protocol": "email",
        "TopicArn": "${AWS::SNS::Topic}",
    }
    assert {tuple(one["AlarmActions"]) for one in _alarms(template).values()} == {("${AWS::SNS::Topic}",)}
    assert templates["plain"].all("AWS::SNS::Topic") == []
    assert not any("AlarmActions" in one for one in _alarms(templates["plain"]).values())


@pytest.mark.parametrize(
    ("name", "config"),
    [("public", "LambdaCanary10Percent5Minutes"), ("quiet", "LambdaCanary10Percent15Minutes")],
)
def test_a_canary_is_taken_back_by_alarms(templates: dict[str, Template], name: str, config: str) -> None:
    template = templates[name]
    group = template.one("AWS::CodeDeploy::DeploymentGroup")
    assert group["DeploymentConfigName"] == f"CodeDeployDefault.{config}"
    watched = template.content["Resources"]
    names = [watched[one["Name"]["Ref"]]["Properties"]["AlarmName"] for one in _group(template)["Alarms"]]
    assert names == [f"news-{name}-errors", f"news-{name}-duration"]
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    (alias,) = [one for one in template.resources.values() if one["Type"] == "AWS::Lambda::Alias"]
    assert set(alias["UpdatePolicy"]) == {"CodeDeployLambdaAliasUpdate"}


def _group(template: Template) -> dict[str, Any]:
    (group,) = [one for one in template.resources.values() if one["Type"] == "AWS::CodeDeploy::DeploymentGroup"]
    return dict(group["Properties"]["AlarmConfiguration"])


def test_all_at_once_needs_no_codedeploy(templates: dict[str, Template]) -> None:
    for name in ("plain", "image", "efs"):
        template = templates[name]
        assert template.all("AWS::CodeDeploy::DeploymentGroup") == []
        assert not any("UpdatePolicy" in one for one in template.resources.values())


def test_every_deployment_config_is_one_that_the_file_can_name() -> None:
    from typing import get_args

    from spacy_lambda.cdk.traffic import CONFIGS
    from spacy_lambda.config.project import Canary

    assert set(CONFIGS) == set(get_args(Canary)) - {"all-at-once"}


def test_the_dashboard_shows_each_label(templates: dict[str, Template]) -> None:
    assert _metrics(templates["public"], "Entities by label") == [
        [
            {
                "label": label,
                "expression": f'SUM(SEARCH(\'{{"news",FunctionName,Model}} FunctionName="news-public" '
                f"MetricName=\"Entities.{label}\"', 'Sum', 300))",
            }
        ]
        for label in ("ORG", "PERSON")
    ]


def test_the_dashboard_names_the_model(templates: dict[str, Template]) -> None:
    text = _body(templates["public"])["widgets"][0]["properties"]["markdown"]
    assert "made version **7** live" in text
    assert "5f" * 32 in text
    ((by_model,),) = _metrics(templates["public"], "Texts by model")
    search = '{"news",FunctionName,Model} FunctionName="news-public" MetricName="Texts"'
    assert by_model["expression"] == f"SEARCH('{search}', 'Sum', 300)"


def test_the_dashboard_estimates_the_cost(templates: dict[str, Template]) -> None:
    title = "Cost an hour, US dollars, estimated"
    (estimate,), *used = _metrics(templates["public"], title)
    price = 3008 / 1024 * usd("gb_second_arm64") / 1000
    assert estimate["expression"] == f"(busy + FILL(init, 0)) * {price:.12f} + requests * 0.0000002"
    assert {(one[-1]["id"], one[1], one[-1]["stat"]) for one in used} == {
        ("busy", "Duration", "Sum"),
        ("init", "InitDuration", "Sum"),
        ("requests", "Invocations", "Sum"),
    }
    assert "FILL" not in _metrics(templates["image"], title)[0][0]["expression"]


def test_the_dashboard_has_the_required_widgets(templates: dict[str, Template]) -> None:
    titles = [one["properties"].get("title") for one in _body(templates["plain"])["widgets"]]
    assert titles == [
        None,
        "Alarms",
        "Invocations, errors, throttles",
        "Duration",
        "Entities by label",
        "Texts without entities",
        "Texts by model",
        "Cold starts",
        "Cost an hour, US dollars, estimated",
    ]
    quiet = [one["properties"].get("title") for one in _body(templates["quiet"])["widgets"]]
    assert quiet == [*titles[:4], titles[-1]]


def test_a_pipeline_without_labels_has_no_graph_of_nothing(zipped: Path, tmp_path: Path) -> None:
    from spacy_lambda.cdk.app import synthesize

    out = synthesize([function_spec(zipped, "mute", live_version="7", labels=())], None, tmp_path / "out")
    template = Template(json.loads((out / "news-mute.template.json").read_text()))
    graphs = [one["properties"] for one in _body(template)["widgets"] if one["type"] == "metric"]
    assert "Entities by label" not in [one["title"] for one in graphs]
    assert all(one["metrics"] for one in graphs)


def test_a_label_with_quotes_cannot_leave_its_search() -> None:
    from spacy_lambda.cdk.metrics import quoted

    assert quoted('A"B') == '"A\\"B"'
    assert quoted("A'B") == '"A\\\'B"'
    assert quoted("A\\B") == '"A\\\\B"'


def test_the_budget_counts_what_has_the_functions_tags(templates: dict[str, Template]) -> None:
    found = templates["public"].one("AWS::Budgets::Budget")
    assert found["Budget"] == {
        "BudgetLimit": {"Amount": 25.5, "Unit": "USD"},
        "BudgetName": "news-public",
        "BudgetType": "COST",
        "FilterExpression": {
            "And": [
                {"Tags": {"Key": "spacy-lambda:project", "Values": ["news"]}},
                {"Tags": {"Key": "spacy-lambda:function", "Values": ["public"]}},
            ]
        },
        "Metrics": ["UnblendedCost"],
        "TimeUnit": "MONTHLY",
    }
    mails = found["NotificationsWithSubscribers"]
    assert [one["Notification"]["NotificationType"] for one in mails] == ["ACTUAL", "FORECASTED"]
    assert {one["Subscribers"][0]["Address"] for one in mails} == {"somebody@example.org"}
    assert templates["plain"].all("AWS::Budgets::Budget") == []
