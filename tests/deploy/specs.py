"""Specs of every kind of function, and the templates that they become."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.cdk.settings import FunctionConfig
from spacy_lambda.cdk.source_settings import KinesisSource, S3Source, ScheduleSource, SourceConfig, SqsSource
from spacy_lambda.cdk.spec import FunctionSpec, ImageCode, SharedSpec, ZipCode

ACCOUNT = "123456789012"
REGION = "eu-central-1"
SHA256 = "5f" * 32
PIPELINE = f"s3://news-models-{ACCOUNT}-{REGION}/pipelines/en_news@1.0.0-int8#sha256={SHA256}"
IMAGE = "sha256:" + "0a" * 32
CALLERS = ("arn:aws:iam::111122223333:role/team/backend", "444455556666", f"arn:aws:iam::{ACCOUNT}:user/ada")
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/answers.fifo"
KMS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
SOURCES: tuple[SourceConfig, ...] = (
    SqsSource(queue="texts", batch_size=100, maximum_batching_window=5, maximum_concurrency=4),
    SqsSource(queue=f"arn:aws:sqs:{REGION}:210987654321:other.fifo"),
    S3Source(bucket="papers", prefix="in/", suffixes=(".txt", ".jsonl"), kms_key=KMS_KEY),
    KinesisSource(stream="clicks"),
    ScheduleSource(schedule_expression="rate(5 minutes)"),
    ScheduleSource(schedule_expression="cron(0 8 * * ? *)", timezone="Europe/Berlin", input='{"text": "iron"}'),
)
TAGS = {"team": "search", "spacy-lambda:project": "somebody-else's"}


@dataclass(frozen=True)
class Template:
    """One synthesized template, with references written as ``${TYPE.Attribute}`` and all else as text."""

    content: dict[str, Any]

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return dict(self.content["Resources"])

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Properties of each resource of a type."""
        found = [one for one in self.resources.values() if one["Type"] == kind]
        return [self.plain(one.get("Properties", {})) for one in found]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.all(kind)
        return found

    def plain(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return [self.plain(one) for one in value] if isinstance(value, list) else value
        if "Ref" in value:
            return "aws" if value["Ref"] == "AWS::Partition" else f"${{{self._kind(value['Ref'])}}}"
        if "Fn::GetAtt" in value:
            name, attribute = value["Fn::GetAtt"]
            return f"${{{self._kind(name)}.{attribute}}}"
        if "Fn::Join" in value:
            parts = [self.plain(part) for part in value["Fn::Join"][1]]
            return value["Fn::Join"][0].join(part if isinstance(part, str) else str(part) for part in parts)
        return {key: self.plain(one) for key, one in value.items()}

    def _kind(self, name: str) -> str:
        return str(self.resources[name]["Type"]) if name in self.resources else name


def function_spec(zipped: Path, name: str, **changes: Any) -> FunctionSpec:
    """A spec.

    :param changes: Fields of the spec, or of the function's configuration.
    """
    own = {field.name for field in fields(FunctionSpec)}
    configured = {key: value for key, value in changes.items() if key not in own}
    values: dict[str, Any] = {
        "project": "news",
        "account": ACCOUNT,
        "region": REGION,
        "config": FunctionConfig(name=name, pipeline="./compiled", **configured),
        "code": ZipCode(zipped),
        "sha256": SHA256,
        "labels": ("ORG", "PERSON"),
        "tags": TAGS,
    }
    return FunctionSpec(**{**values, **{key: value for key, value in changes.items() if key in own}})


def every_spec(zipped: Path) -> list[FunctionSpec]:
    """One function of each kind."""
    return [
        function_spec(zipped, "first"),
        function_spec(zipped, "plain", live_version="7"),
        function_spec(
            zipped,
            "public",
            live_version="7",
            architecture="arm64",
            python="3.12",
            memory=3008,
            timeout=20,
            concurrency=5,
            auth="none",
            cors=("https://example.org",),
            environment={"SPACY_LAMBDA_PAGE": "on"},
            examples=("Iron.\n", "é"),
            tracing=True,
            alarm_email="somebody@example.org",
            budget=25.5,
            log_retention=14,
            canary="10percent-5minutes",
        ),
        function_spec(zipped, "image", live_version="7", code=ImageCode(IMAGE), snapstart=True),
        function_spec(
            zipped,
            "quiet",
            live_version="7",
            code=ImageCode(IMAGE),
            metrics=False,
            canary="10percent-15minutes",
            environment={"SPACY_LAMBDA_OUTPUT": QUEUE},
        ),
        function_spec(
            zipped,
            "efs",
            live_version="7",
            code=ImageCode(IMAGE, efs=True),
            pipeline=PIPELINE,
            environment={"SPACY_LAMBDA_OUTPUT": "s3://answers/ner/"},
        ),
        function_spec(
            zipped,
            "reading",
            live_version="7",
            environment={"SPACY_LAMBDA_OUTPUT": "s3://answers/ner/"},
            sources=SOURCES,
        ),
        function_spec(
            zipped,
            "reading-efs",
            live_version="7",
            code=ImageCode(IMAGE, efs=True),
            pipeline=PIPELINE,
            environment={"SPACY_LAMBDA_OUTPUT": "s3://answers/ner/"},
            sources=SOURCES[:3],
        ),
        function_spec(zipped, "called", live_version="7", callers=CALLERS),
        function_spec(
            zipped,
            "bulk",
            live_version="7",
            alarm_empty_percentage=60,
            concurrency=50,
            bulk=BulkConfig(tolerated_failure_count=3),
        ),
        function_spec(
            zipped,
            "bulk-efs",
            live_version="7",
            code=ImageCode(IMAGE, efs=True),
            pipeline=PIPELINE,
            bulk=BulkConfig(
                location="s3://corpora/ner", max_concurrency=10, tolerated_failure_percentage=0, max_attempts=0
            ),
        ),
    ]


SHARED = SharedSpec(project="news", account=ACCOUNT, region=REGION, repositories=("image", "efs"), tags=TAGS)
