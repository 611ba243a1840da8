"""The state machine that annotates corpora: its definition, and the permissions that it and the function have."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.cdk.spec import FunctionSpec, SpecError
from spacy_lambda.corpus.cost import TRANSITIONS
from tests.deploy.specs import ACCOUNT, PIPELINE, REGION, SHARED, Template, function_spec

BUCKET = f"news-models-{ACCOUNT}-{REGION}"
ALIAS = "${AWS::Lambda::Alias}"
STATES = f"arn:aws:states:{REGION}:{ACCOUNT}"


def definition(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(template.one("AWS::StepFunctions::StateMachine")["DefinitionString"])
    return found


def statements(template: Template, role: str) -> list[dict[str, Any]]:
    """Return the statements of the policy of a role, by the beginning of the role's description."""
    (name,) = (
        key
        for key, one in template.resources.items()
        if one["Type"] == "AWS::IAM::Role" and str(one["Properties"].get("Description", "")) == f"Permissions of {role}"
    )
    (policy,) = (
        one["Properties"]
        for one in template.resources.values()
        if one["Type"] == "AWS::IAM::Policy" and one["Properties"]["Roles"] == [{"Ref": name}]
    )
    found: list[dict[str, Any]] = template.plain(policy["PolicyDocument"]["Statement"])
    return found


def test_the_definition(templates: dict[str, Template]) -> None:
    found = definition(templates["bulk"])
    shards = found["States"]["Shards"]
    processor = shards.pop("ItemProcessor")
    assert shards == {
        "Type": "Map",
        "Comment": "annotate each shard with news-bulk",
        "Label": "shards",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": BUCKET, "Key.$": "$.items"},
        },
        "MaxConcurrency": 50,
        "ToleratedFailurePercentage": 5,
        "ToleratedFailureCount": 3,
        "ResultPath": None,
        "End": True,
    }
    assert processor["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    task = processor["States"]["Annotate"]
    throttled, transient = task.pop("Retry")
    assert task == {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": ALIAS,
            "Payload": {"shard.$": "$", "retries.$": "$$.State.RetryCount", "execution.$": "$$.Execution.Id"},
        },
        "OutputPath": None,
        "TimeoutSeconds": 90,
        "End": True,
    }
    delays = {"IntervalSeconds": 2, "BackoffRate": 2, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}
    assert throttled == {"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 20, **delays}
    assert {"Lambda.ServiceException", "StoreError", "OutputError"} < {*transient.pop("ErrorEquals")}
    assert transient == {"MaxAttempts": 3, **delays}


def test_the_transitions_that_a_shard_is_charged_for(templates: dict[str, Template]) -> None:
    """The Map starts a child, which starts, goes through its states, and ends; express ones would have other prices."""
    processor = definition(templates["bulk"])["States"]["Shards"]["ItemProcessor"]
    assert processor["ProcessorConfig"]["ExecutionType"] == "STANDARD"
    states, visited = [processor["StartAt"]], processor["States"]
    while "Next" in visited[states[-1]]:
        states.append(visited[states[-1]]["Next"])
    assert sorted(states) == sorted(visited)
    assert len(states) + 1 + 2 == TRANSITIONS


def test_the_state_machine_may_do_nothing_else(templates: dict[str, Template]) -> None:
    name = "news-bulk-annotate"
    assert templates["bulk"].one("AWS::StepFunctions::StateMachine")["StateMachineName"] == name
    allowed = {
        str(one["Resource"]): one["Action"] for one in statements(templates["bulk"], name) if one["Effect"] == "Allow"
    }
    assert allowed == {
        ALIAS: "lambda:InvokeFunction",
        f"arn:aws:s3:::{BUCKET}/annotate/bulk/*/items/*": "s3:GetObject",
        f"{STATES}:stateMachine:{name}": "states:StartExecution",
        f"{STATES}:execution:{name}:*": ["states:DescribeExecution", "states:StopExecution"],
        f"{STATES}:execution:{name}/shards:*": "states:RedriveExecution",
    }


def test_only_state_machines_of_this_account_take_the_role(templates: dict[str, Template]) -> None:
    (role,) = (
        one
        for one in templates["bulk"].all("AWS::IAM::Role")
        if one["Description"] == "Permissions of news-bulk-annotate"
    )
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement == {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": "states.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"{STATES}:stateMachine:*"},
        },
    }


@pytest.mark.parametrize(
    ("function", "objects"), [("bulk", f"{BUCKET}/annotate/bulk/*"), ("bulk-efs", "corpora/ner/*")]
)
def test_the_function_reads_and_writes_its_corpora_only(
    templates: dict[str, Template], function: str, objects: str
) -> None:
    own = [one for one in statements(templates[function], f"news-{function}") if "s3:PutObject" in one["Action"]]
    assert own == [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{objects}"}
    ]


def test_a_function_with_efs_reaches_its_corpora(templates: dict[str, Template]) -> None:
    policy = templates["bulk-efs"].one("AWS::EC2::VPCEndpoint")["PolicyDocument"]["Statement"]
    assert [one["Action"] for one in policy if one["Resource"] == "arn:aws:s3:::corpora/ner/*"] == [
        ["s3:GetObject", "s3:PutObject"]
    ]
    assert definition(templates["bulk-efs"])["States"]["Shards"]["MaxConcurrency"] == 10


@pytest.mark.parametrize("name", ["plain", "public", "image", "quiet", "efs", "reading"])
def test_no_other_function_has_one(templates: dict[str, Template], name: str) -> None:
    text = json.dumps(templates[name].content)
    assert "states" not in text
    assert "/annotate/" not in text


def test_before_the_first_version_is_live_there_is_none(zipped: Path, tmp_path: Path) -> None:
    template = synthesized(function_spec(zipped, "ner", bulk=BulkConfig()), tmp_path)
    assert template.all("AWS::StepFunctions::StateMachine") == []
    assert any("s3:PutObject" in one["Action"] for one in statements(template, "news-ner"))


@pytest.mark.parametrize(("concurrency", "expected"), [(None, 100), (10, 10), (500, 100), ("unlimited", 100)])
def test_the_default_concurrency(zipped: Path, tmp_path: Path, concurrency: Any, expected: int) -> None:
    spec = function_spec(zipped, "ner", live_version="7", concurrency=concurrency, bulk=BulkConfig())
    assert definition(synthesized(spec, tmp_path))["States"]["Shards"]["MaxConcurrency"] == expected


def test_corpora_do_not_stay_in_the_projects_bucket(templates: dict[str, Template], tmp_path: Path) -> None:
    from spacy_lambda.cdk.app import synthesize

    synthesize([], replace(SHARED, corpora=True), tmp_path / "out")
    with_corpora = Template(json.loads((tmp_path / "out" / "news.template.json").read_text()))
    before, after = (
        one.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"] for one in (templates["shared"], with_corpora)
    )
    assert [one for one in after if one not in before] == [
        {
            "Id": "corpora",
            "Prefix": "annotate/",
            "ExpirationInDays": 14,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "Status": "Enabled",
        }
    ]


@pytest.mark.parametrize("location", ["https://example.org", "s3://", "s3://Not_a_bucket/x", "s3://corpora/*"])
def test_a_location_that_is_not_in_s3(zipped: Path, tmp_path: Path, location: str) -> None:
    spec = function_spec(zipped, "ner", pipeline=PIPELINE, bulk=BulkConfig(location=location))
    with pytest.raises(SpecError, match=r"bulk\.location of 'ner' is"):
        synthesized(spec, tmp_path)


def synthesized(spec: FunctionSpec, folder: Path) -> Template:
    from spacy_lambda.cdk.app import synthesize

    synthesize([spec], None, folder / "out")
    return Template(json.loads((folder / "out" / f"{spec.function_name}.template.json").read_text()))
