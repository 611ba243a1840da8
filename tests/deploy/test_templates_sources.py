"""Event sources: every connection and every permission, complete."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from spacy_lambda.cdk.source_settings import (
    SOURCE_KINDS,
    KinesisSource,
    S3Source,
    SourceConfig,
    SqsSource,
    make_source,
    object_pattern,
)
from spacy_lambda.cdk.spec import FunctionSpec, SpecError
from spacy_lambda.cdk.spec_file import read_specs, write_specs
from spacy_lambda.deploy.changes import NOUNS
from spacy_lambda.deploy.resources import DESCRIPTIONS, SOURCE_TYPES, planned_resources, read_template
from spacy_lambda.deploy.source_status import READERS
from tests.deploy.specs import ACCOUNT, KMS_KEY, REGION, SHARED, SOURCES, Template, function_spec

FAILED = {"Action": "sqs:SendMessage", "Effect": "Allow", "Resource": "${AWS::SQS::Queue.Arn}"}
QUEUES = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
STREAMS = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
]
OBJECTS = {"Action": ["s3:GetObject", "s3:GetObjectVersion"], "Effect": "Allow", "Resource": "arn:aws:s3:::papers/in/*"}
TEXTS = f"arn:aws:sqs:{REGION}:{ACCOUNT}:texts"
OTHER = f"arn:aws:sqs:{REGION}:210987654321:other.fifo"
CLICKS = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks"
LIVE = "{'Fn::Select': [6, {'Fn::Split': [':', '${AWS::Lambda::Alias}']}]}:live"
"""Name of the function, from the alias's ARN, and that of the alias."""


def untagged(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if key != "Tags"} for one in resources]


def synthesized(out: Path, spec: FunctionSpec) -> Template:
    from spacy_lambda.cdk.app import synthesize  # starts a Node process

    synthesize([spec], None, out)
    return Template(json.loads((out / f"{spec.function_name}.template.json").read_text()))


def names_of(template: Template) -> set[str]:
    return {name for name in template.resources if "Sources" in name}


def test_a_long_prefix_is_cut_in_the_rules_description(zipped: Path, tmp_path: Path) -> None:
    source = S3Source(bucket="papers", prefix="p" * 900, suffixes=(".txt",))
    output = {"SPACY_LAMBDA_OUTPUT": "s3://answers/ner"}
    spec = function_spec(zipped, "ner", live_version="7", environment=output, sources=(source,))
    rule = synthesized(tmp_path / "out", spec).one("AWS::Events::Rule")
    assert len(rule["Description"]) == 512  # EventBridge's maximum
    assert rule["EventPattern"]["detail"]["object"]["key"] == [{"wildcard": f"{'p' * 900}*.txt"}]


def test_every_kind_is_in_each_table(templates: dict[str, Template]) -> None:
    assert {source.kind for source in SOURCES} == SOURCE_KINDS.keys() == SOURCE_TYPES.keys()
    made = {
        kind: {one["Type"] for name, one in templates["reading"].resources.items() if f"Sources{kind}" in name}
        for kind in SOURCE_KINDS
    }
    assert {kind: SOURCE_TYPES[kind] in types for kind, types in made.items()} == dict.fromkeys(SOURCE_KINDS, True)
    connections = {*SOURCE_TYPES.values()}
    assert connections <= READERS.keys() & NOUNS.keys() & DESCRIPTIONS.keys()
    # Of a mapping, AWS reports what it reads from.
    assert {READERS[one][0] for one in connections} == {"mapping", "s3", "schedule"}


def test_queues_and_streams_are_mapped_to_the_alias(templates: dict[str, Template]) -> None:
    mapping = {"FunctionName": LIVE, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    assert untagged(templates["reading"].all("AWS::Lambda::EventSourceMapping")) == [
        {
            **mapping,
            "EventSourceArn": TEXTS,
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 5,
            "ScalingConfig": {"MaximumConcurrency": 4},
        },
        {**mapping, "EventSourceArn": OTHER, "BatchSize": 10},
        {
            **mapping,
            "EventSourceArn": CLICKS,
            "BatchSize": 100,
            "BisectBatchOnFunctionError": True,
            "DestinationConfig": {"OnFailure": {"Destination": "${AWS::SQS::Queue.Arn}"}},
            "MaximumRetryAttempts": 10,
            "ParallelizationFactor": 1,
            "StartingPosition": "TRIM_HORIZON",
        },
    ]


def test_a_mapping_waits_for_its_permissions(templates: dict[str, Template]) -> None:
    resources = templates["reading"].resources
    (policy,) = [name for name, one in resources.items() if one["Type"] == "AWS::IAM::Policy" and "Access" in name]
    for one in resources.values():
        if one["Type"] == "AWS::Lambda::EventSourceMapping":
            assert one["DependsOn"] == [policy]


def test_the_function_may_read_its_sources_only(templates: dict[str, Template]) -> None:
    from spacy_lambda.cdk.role import WRITE_ACTIONS

    policies = templates["reading"].all("AWS::IAM::Policy")
    plain = templates["plain"].one("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    answers = {"Action": WRITE_ACTIONS["s3"], "Effect": "Allow", "Resource": "arn:aws:s3:::answers/ner/*"}
    assert policies[0]["PolicyDocument"]["Statement"] == [
        *plain,
        answers,
        {"Action": QUEUES, "Effect": "Allow", "Resource": TEXTS},
        {"Action": QUEUES, "Effect": "Allow", "Resource": OTHER},
        OBJECTS,
        {"Action": "kms:Decrypt", "Effect": "Allow", "Resource": KMS_KEY},
        {"Action": STREAMS, "Effect": "Allow", "Resource": CLICKS},
    ]


def test_new_objects_invoke_the_alias(templates: dict[str, Template]) -> None:
    template = templates["reading"]
    (rule,) = untagged(template.all("AWS::Events::Rule"))
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["papers"]},
            "object": {"key": [{"wildcard": "in/*.txt"}, {"wildcard": "in/*.jsonl"}]},
        },
    }
    (target,) = rule["Targets"]
    failed = {"Arn": "${AWS::SQS::Queue.Arn}"}
    assert target == {"Arn": "${AWS::Lambda::Alias}", "DeadLetterConfig": failed, "Id": "Target0"}
    assert template.one("AWS::Lambda::Permission") == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "${AWS::Lambda::Alias}",
        "Principal": "events.amazonaws.com",
        "SourceArn": "${AWS::Events::Rule.Arn}",
    }
    _, undelivered = template.one("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    assert {key: value for key, value in undelivered.items() if key != "Sid"} == {
        "Action": "sqs:SendMessage",
        "Condition": {"ArnEquals": {"aws:SourceArn": "${AWS::Events::Rule.Arn}"}},
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Resource": "${AWS::SQS::Queue.Arn}",
    }


@pytest.mark.parametrize(
    ("prefix", "wildcard"), [("", "*.txt"), ("in", "in*.txt"), ("a*b/", "a\\*b/*.txt"), ("a\\b", "a\\\\b*.txt")]
)
def test_a_prefix_is_literal_in_a_pattern(prefix: str, wildcard: str) -> None:
    pattern = object_pattern(S3Source(bucket="papers", prefix=prefix, suffixes=(".txt",)))
    assert pattern["detail"]["object"]["key"] == [{"wildcard": wildcard}]


def test_schedules_invoke_the_alias(templates: dict[str, Template]) -> None:
    target = {
        "Arn": "${AWS::Lambda::Alias}",
        "DeadLetterConfig": {"Arn": "${AWS::SQS::Queue.Arn}"},
        "RoleArn": "${AWS::IAM::Role.Arn}",
    }
    ping, daily = templates["reading"].all("AWS::Scheduler::Schedule")
    assert ping == {
        "Description": "news-reading: keeps it warm",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ScheduleExpression": "rate(5 minutes)",
        "ScheduleExpressionTimezone": "UTC",
        "Target": {**target, "Input": '{"warmer": true}'},
    }
    event = json.loads(daily["Target"].pop("Input"))
    assert event.pop("id").endswith("-<aws.scheduler.scheduled-time>")
    assert event == {"source": "spacy-lambda", "detail-type": "Scheduled Event", "detail": {"text": "iron"}}
    assert (daily["ScheduleExpression"], daily["ScheduleExpressionTimezone"]) == ("cron(0 8 * * ? *)", "Europe/Berlin")
    assert daily["Target"] == target


def test_schedules_may_invoke_this_function_only(templates: dict[str, Template]) -> None:
    template = templates["reading"]
    (role,) = [one for one in template.all("AWS::IAM::Role") if "schedules" in one["Description"]]
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/default"
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": group}},
            "Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"},
        }
    ]
    assert template.all("AWS::IAM::Policy")[1]["PolicyDocument"]["Statement"] == [
        {"Action": "lambda:InvokeFunction", "Effect": "Allow", "Resource": "${AWS::Lambda::Alias}"},
        FAILED,
    ]


def test_a_function_in_a_network_reaches_the_objects_of_its_sources(templates: dict[str, Template]) -> None:
    endpoint = templates["reading-efs"].one("AWS::EC2::VPCEndpoint")
    resources = [one["Resource"] for one in endpoint["PolicyDocument"]["Statement"]]
    assert "arn:aws:s3:::papers/in/*" in resources
    before = templates["efs"].one("AWS::EC2::VPCEndpoint")["PolicyDocument"]["Statement"]
    assert resources == [before[0]["Resource"], "arn:aws:s3:::papers/in/*", before[1]["Resource"]]


def test_nothing_is_connected_before_a_version_is_live(zipped: Path, tmp_path: Path) -> None:
    template = synthesized(tmp_path / "out", function_spec(zipped, "ner", sources=SOURCES))
    assert names_of(template) == set()
    assert "Metadata" not in template.content
    (policy,) = template.all("AWS::IAM::Policy")
    assert {"Action": QUEUES, "Effect": "Allow", "Resource": TEXTS} in policy["PolicyDocument"]["Statement"]


def test_a_source_is_allowed_before_it_is_connected_and_kept_until_it_is_not(zipped: Path, tmp_path: Path) -> None:
    spec = function_spec(zipped, "ner", live_version="7", sources=(SOURCES[0], SOURCES[4]), connected=(SOURCES[1],))
    template = synthesized(tmp_path / "out", spec)
    assert [one["EventSourceArn"] for one in template.all("AWS::Lambda::EventSourceMapping")] == [OTHER]
    assert template.all("AWS::Scheduler::Schedule") == []
    statements = template.one("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert [one["Resource"] for one in statements if one["Action"] == QUEUES] == [OTHER, TEXTS]
    later = synthesized(tmp_path / "later", replace(spec, live_version="8", connected=None))
    assert [one["EventSourceArn"] for one in later.all("AWS::Lambda::EventSourceMapping")] == [TEXTS]
    assert len(later.all("AWS::Scheduler::Schedule")) == 1


def test_the_template_names_what_is_connected(templates: dict[str, Template]) -> None:
    connected = json.loads(templates["reading"].content["Metadata"]["spacy-lambda:sources"])
    assert tuple(map(make_source, connected)) == SOURCES
    assert "Metadata" not in templates["plain"].content


def test_a_connection_keeps_its_place_in_the_stack(zipped: Path, tmp_path: Path) -> None:
    """A mapping that is replaced would lose its position in the stream, and Lambda refuses a second one beside it."""
    stream, queue = KinesisSource(stream="clicks"), SqsSource(queue="texts")
    spec = function_spec(zipped, "ner", live_version="7", sources=(stream, queue))
    changed: list[tuple[SourceConfig, ...]] = [
        (queue, stream),
        (queue, replace(stream, batch_size=5, parallelization_factor=2)),
        (SqsSource(queue="texts", maximum_concurrency=5), stream),
    ]
    names = names_of(synthesized(tmp_path / "out", spec))
    for number, sources in enumerate(changed):
        other = replace(spec, live_version="8", config=replace(spec.config, sources=sources))
        assert names_of(synthesized(tmp_path / str(number), other)) == names


def test_two_sources_that_are_the_same(zipped: Path, tmp_path: Path) -> None:
    sources = (SqsSource(queue="texts"), SqsSource(queue=TEXTS))
    with pytest.raises(SpecError, match=r"sources of 'ner' are the same: .*queue='texts'"):
        synthesized(tmp_path / "out", function_spec(zipped, "ner", live_version="7", sources=sources))


@pytest.mark.parametrize("connected", [None, (), SOURCES[:2]])
def test_specs_are_written_with_their_sources(zipped: Path, tmp_path: Path, connected: Any) -> None:
    spec = function_spec(zipped, "ner", live_version="7", live_before=("5",), sources=SOURCES, connected=connected)
    write_specs(tmp_path / "functions.json", [spec], SHARED)
    assert read_specs(tmp_path / "functions.json") == ([spec], SHARED)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.kind)
def test_a_source_is_the_same_after_json(source: SourceConfig) -> None:
    assert make_source(json.loads(json.dumps(asdict(source)))) == source


def test_the_plan_names_them(assembly: Path) -> None:
    found = {(one.kind, one.name) for one in planned_resources(read_template(assembly, "news-reading"), "news-reading")}
    assert {
        ("AWS::Lambda::EventSourceMapping", "texts invokes news-reading:live"),
        ("AWS::Lambda::EventSourceMapping", "other.fifo invokes news-reading:live"),
        ("AWS::Lambda::EventSourceMapping", "stream/clicks invokes news-reading:live"),
        ("AWS::Events::Rule", "news-reading: new objects of s3://papers/in/"),
        ("AWS::Scheduler::Schedule", "rate(5 minutes) invokes news-reading:live"),
        ("AWS::Lambda::Permission", "events.amazonaws.com may lambda:InvokeFunction on news-reading:live"),
        ("AWS::IAM::Role", "Permissions of the schedules of news-reading"),
    } <= found


def test_every_kind_of_source_is_configured() -> None:
    assert {*SOURCE_KINDS.values()} == {*get_args(SourceConfig)} == {type(source) for source in SOURCES}
    assert [kind for kind, source in SOURCE_KINDS.items() if source.kind != kind] == []
