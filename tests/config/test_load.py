"""Reading the file, precedence, defaults and paths."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacy_lambda.cdk.bulk_settings import BulkConfig
from spacy_lambda.cdk.source_settings import KinesisSource, S3Source, ScheduleSource, SqsSource
from spacy_lambda.config import FunctionConfig, Project, load_project
from spacy_lambda.config.keys import bulk_keys, function_keys, project_keys, source_keys
from spacy_lambda.config.toml_file import parse_toml
from spacy_lambda.errors import ConfigError
from tests.config.files import FUNCTION, PROJECT, faults, load
from tests.profiles import examples

TOML = "strings are in quotes, a table begins with [its.name], each key is written once: https://toml.io"
SHA256 = "5f" * 32
KMS_KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234"


def test_the_minimum(tmp_path: Path) -> None:
    assert load(tmp_path, PROJECT + FUNCTION) == Project(
        name="papers",
        region="eu-central-1",
        functions=(FunctionConfig(name="ner", pipeline=str(tmp_path / "compiled")),),
        folder=tmp_path,
    )


def test_every_key(tmp_path: Path) -> None:
    text = """
    [project]
    name = "papers"
    region = "eu-central-1"
    account = "012345678901"
    tags = { team = "nlp" }
    [functions.second]
    pipeline = "hf://acme/metals@v1"
    auth = "none"
    metrics = false
    [functions.first]
    pipeline = "s3://models/en_news@1.0"
    shape = "image"
    memory = 4096
    timeout = 60
    architecture = "arm64"
    python = "3.14"
    concurrency = 5
    snapstart = true
    auth = "iam"
    callers = ["111122223333"]
    cors = ["https://example.org"]
    page = true
    examples = ["Iron.", "حديد"]
    metrics = true
    tracing = true
    alarm_email = "oncall@example.org"
    alarm_empty_percentage = 60
    budget = 20
    log_retention = 7
    golden = "tests/golden.jsonl"
    signed_by = "key.pub"
    canary = "10percent-5minutes"
    keep_versions = 5
    environment = { SPACY_LAMBDA_OUTPUT = "s3://answers" }
    [[functions.first.sources]]
    kind = "sqs"
    queue = "texts"
    batch_size = 100
    maximum_batching_window = 5
    maximum_concurrency = 5
    kms_key = "arn:aws:kms:eu-central-1:123456789012:key/1234"
    [[functions.first.sources]]
    kind = "s3"
    bucket = "papers"
    prefix = "in/"
    suffixes = [".txt"]
    kms_key = "arn:aws:kms:eu-central-1:123456789012:key/1234"
    [[functions.first.sources]]
    kind = "kinesis"
    stream = "arn:aws:kinesis:eu-central-1:210987654321:stream/texts"
    starting_position = "LATEST"
    batch_size = 500
    maximum_batching_window = 1
    parallelization_factor = 2
    maximum_retry_attempts = 0
    kms_key = "arn:aws:kms:eu-central-1:123456789012:key/1234"
    [[functions.first.sources]]
    kind = "schedule"
    schedule_expression = "cron(0 8 ? * MON-FRI *)"
    timezone = "Europe/Berlin"
    input = '{"text": "iron"}'
    [functions.first.bulk]
    location = "s3://corpora/ner"
    max_concurrency = 4
    tolerated_failure_percentage = 0
    tolerated_failure_count = 3
    max_attempts = 1
    """
    values = tomllib.loads(text)
    assert values["project"].keys() == project_keys().keys()
    assert values["functions"]["first"].keys() == function_keys().keys()
    for source in values["functions"]["first"]["sources"]:
        assert source.keys() == {"kind", *source_keys(source["kind"])}
    assert values["functions"]["first"]["bulk"].keys() == bulk_keys().keys()
    project = load(tmp_path, text)
    assert project == Project(
        name="papers",
        region="eu-central-1",
        account="012345678901",
        tags={"team": "nlp"},
        functions=(
            FunctionConfig(name="second", pipeline="hf://acme/metals@v1", auth="none", metrics=False),
            FunctionConfig(
                name="first",
                pipeline="s3://models/en_news@1.0",
                shape="image",
                memory=4096,
                timeout=60,
                architecture="arm64",
                python="3.14",
                concurrency=5,
                snapstart=True,
                auth="iam",
                callers=("111122223333",),
                cors=("https://example.org",),
                page=True,
                examples=("Iron.", "حديد"),
                metrics=True,
                tracing=True,
                alarm_email="oncall@example.org",
                alarm_empty_percentage=60,
                budget=20.0,
                log_retention=7,
                golden=tmp_path / "tests/golden.jsonl",
                signed_by=tmp_path / "key.pub",
                canary="10percent-5minutes",
                keep_versions=5,
                environment={"SPACY_LAMBDA_OUTPUT": "s3://answers"},
                sources=(
                    SqsSource(
                        queue="texts",
                        batch_size=100,
                        maximum_batching_window=5,
                        maximum_concurrency=5,
                        kms_key=KMS_KEY,
                    ),
                    S3Source(bucket="papers", prefix="in/", suffixes=(".txt",), kms_key=KMS_KEY),
                    KinesisSource(
                        stream="arn:aws:kinesis:eu-central-1:210987654321:stream/texts",
                        starting_position="LATEST",
                        batch_size=500,
                        maximum_batching_window=1,
                        parallelization_factor=2,
                        maximum_retry_attempts=0,
                        kms_key=KMS_KEY,
                    ),
                    ScheduleSource(
                        schedule_expression="cron(0 8 ? * MON-FRI *)",
                        timezone="Europe/Berlin",
                        input='{"text": "iron"}',
                    ),
                ),
                bulk=BulkConfig(
                    location="s3://corpora/ner",
                    max_concurrency=4,
                    tolerated_failure_percentage=0,
                    tolerated_failure_count=3,
                    max_attempts=1,
                ),
            ),
        ),
        folder=tmp_path,
    )
    assert isinstance(project.functions[1].budget, float)


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        ("./compiled", "{}/compiled"),
        ("compiled", "{}/compiled"),
        ("../other", "{}/../other"),
        (f"./store@1.0#sha256={SHA256}", f"{{}}/store@1.0#sha256={SHA256}"),
        ("/models/en", "/models/en"),
        ("en_core_web_sm", "en_core_web_sm"),
        ("s3://models/en", "s3://models/en"),
        ("hf://acme/metals", "hf://acme/metals"),
    ],
)
def test_relative_paths_start_at_the_file(tmp_path: Path, pipeline: str, expected: str) -> None:
    (tmp_path / "compiled").mkdir()
    project = load(tmp_path, PROJECT + FUNCTION.replace("./compiled", pipeline))
    assert project.functions[0].pipeline == expected.format(tmp_path)


def test_the_file_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = load(tmp_path, PROJECT + FUNCTION)
    monkeypatch.chdir(tmp_path)
    assert load_project(environ={}) == project


@pytest.mark.parametrize(
    ("flag", "environ", "file", "region"),
    [
        ("us-west-2", {"SPACY_LAMBDA_REGION": "us-west-1"}, "eu-west-1", "us-west-2"),
        (None, {"SPACY_LAMBDA_REGION": "us-west-1", "AWS_REGION": "eu-west-2"}, "eu-west-1", "us-west-1"),
        (None, {"AWS_REGION": "eu-west-2"}, "eu-west-1", "eu-west-1"),
        (None, {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, None, "eu-west-2"),
        (None, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-3"}, None, "eu-west-3"),
    ],
)
def test_precedence(tmp_path: Path, flag: str | None, environ: dict[str, str], file: str | None, region: str) -> None:
    line = f'region = "{file}"' if file else ""
    project = load(tmp_path, f'[project]\nname = "papers"\n{line}\n{FUNCTION}', region=flag, **environ)
    assert project.region == region


def test_a_stage_of_the_same_file(tmp_path: Path) -> None:
    stage = {"SPACY_LAMBDA_PROJECT": "papers-staging", "SPACY_LAMBDA_ACCOUNT": "210987654321"}
    project = load(tmp_path, PROJECT + 'account = "123456789012"' + FUNCTION, **stage)
    assert (project.name, project.account) == ("papers-staging", "210987654321")


def test_the_file_may_leave_the_project_to_the_environment(tmp_path: Path) -> None:
    project = load(tmp_path, FUNCTION, SPACY_LAMBDA_PROJECT="papers", AWS_REGION="eu-west-2")
    assert (project.name, project.region) == ("papers", "eu-west-2")


def test_a_fault_names_the_source_of_its_value(tmp_path: Path) -> None:
    text = PROJECT + FUNCTION
    assert [key for key, _, _ in faults(tmp_path, text, region="here", SPACY_LAMBDA_PROJECT="P")] == [
        "SPACY_LAMBDA_PROJECT",
        "--region",
    ]
    assert faults(tmp_path, text, SPACY_LAMBDA_REGION="here")[0][0] == "SPACY_LAMBDA_REGION"


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        ("[project]\nname = papers", "line 2, column 8,", "is not TOML: Invalid value: name = papers", TOML),
        (
            "[project",
            "the file",
            "is not TOML: Expected ']' at the end of a table declaration (at end of document)",
            TOML,
        ),
        ("a = " + "9" * 5000, "the file", "is not TOML: a number has more than 4,300 digits", TOML),
        ("[a]\n[a]", "line 2, column 3,", "is not TOML: Cannot declare ('a',) twice: [a]", TOML),
        ("a = " + "[" * 50_000, "the file", "is nested too deeply", "write plain tables"),
    ],
)
def test_a_file_that_is_not_toml(tmp_path: Path, text: str, key: str, problem: str, remedy: str) -> None:
    assert faults(tmp_path, text) == [(key, problem, remedy)]


def test_a_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_project()
    assert caught.value.message == f"spacy-lambda.toml: the file does not exist; looked in {tmp_path}"
    assert (
        caught.value.remedy == "create it with `spacy-lambda init --pipeline LOCATION`, or name another with --config"
    )


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the file cannot be read: .*Is a directory"):
        load_project(tmp_path)


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# \xe4")
    with pytest.raises(ConfigError, match="the file is not UTF-8: see byte 2"):
        load_project(path)


def test_a_byte_order_mark(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff" + PROJECT + FUNCTION).name == "papers"


@settings(max_examples=examples(200))
@example("a = " + "9" * 5000)
@example('a = "\\ud800"')
@example("a = 1979-99-99")
@given(st.text(alphabet=st.sampled_from("ab=[]{}\"'#.,\n 019-:T\\u")) | st.text())
def test_any_text_is_toml_or_a_fault(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse_toml(text, Path("x"))


def test_reading_it_needs_no_extra() -> None:
    script = """
import sys
from spacy_lambda.config import load, scaffold
print(sorted({"aws_cdk", "boto3", "botocore", "spacy", "typer", "yaml"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
