"""Event sources of a deployed function: when they are connected, what they do, and when they are cut off.

moto delivers the messages of queues. It has rules and schedules, but they invoke nothing here: their events are sent as
EventBridge would send them, after moto has matched the pattern.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_lambda.bundler import bundle
from spacy_lambda.errors import SpacyLambdaError
from spacy_lambda.extras import install_command
from tests.bundler.installed import install_once
from tests.deploy.bundles import built_once
from tests.deploy.cloud import ACCOUNT, REGION, client, cloud
from tests.deploy.projects import run, succeed, write_pipeline

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning"),  # moto, of what it does not know
    pytest.mark.filterwarnings("ignore:Unable to delete:UserWarning"),
]

FUNCTION = "papers-ner"
CONFIG = f"""
[project]
name = "papers"
region = "{REGION}"
account = "{ACCOUNT}"

[functions.ner]
pipeline = "./compiled"
shape = "zip"
environment = {{ SPACY_LAMBDA_OUTPUT = "s3://answers/ner" }}

[functions.ner.bulk]
max_concurrency = 4
"""
QUEUE = """
[[functions.ner.sources]]
kind = "sqs"
queue = "texts"
"""
OBJECTS = """
[[functions.ner.sources]]
kind = "s3"
bucket = "incoming"
prefix = "in/"

[[functions.ner.sources]]
kind = "schedule"
schedule_expression = "rate(5 minutes)"
"""


@pytest.fixture(scope="module", autouse=True)
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        install_once(patch, tmp_path_factory.mktemp("wheels"))
        built = built_once(bundle, tmp_path_factory.mktemp("built"))
        patch.setattr("spacy_lambda.deploy.preparation.make_bundle", built)
        patch.setattr("spacy_lambda.bundler.tree.COMPRESSION", 1)
        with cloud(patch) as url:
            client("sqs").create_queue(QueueName="texts", Attributes={"VisibilityTimeout": "180"})
            for bucket in ("incoming", "answers"):
                client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            yield url


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "spacy-lambda.toml").write_text(CONFIG + QUEUE)
    write_pipeline(folder, "1.0.0", Iron="MATERIAL")
    return folder


def mappings() -> list[tuple[str, str]]:
    """Id and function of each."""
    found = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return [(one["UUID"], one["FunctionArn"].partition(":function:")[2]) for one in found]


def rules() -> list[Any]:
    found: list[Any] = client("events").list_rules()["Rules"]
    return found


def schedules() -> list[Any]:
    return [
        client("scheduler").get_schedule(Name=one["Name"]) for one in client("scheduler").list_schedules()["Schedules"]
    ]


def send(body: str) -> str:
    url = client("sqs").get_queue_url(QueueName="texts")["QueueUrl"]
    name: str = client("sqs").send_message(QueueUrl=url, MessageBody=body)["MessageId"]
    return name


def waiting() -> int:
    url = client("sqs").get_queue_url(QueueName="texts")["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def labels(key: str) -> list[str]:
    body = client("s3").get_object(Bucket="answers", Key=f"ner/{key}.json")["Body"].read()
    return [entity["label"] for entity in json.loads(body)["answer"]]


def created(key: str) -> dict[str, Any]:
    """EventBridge's event of a new object."""
    return {
        "id": "1",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "region": REGION,
        "time": "2026-01-01T00:00:00Z",
        "resources": [],
        "detail": {"bucket": {"name": "incoming"}, "object": {"key": key}},
    }


def events_seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """Return how many sources were connected whenever a version was tested."""
    from spacy_lambda.deploy import golden_tests

    seen: list[tuple[int, int, int]] = []
    test = golden_tests.run_golden_tests

    def counting(*arguments: Any, **options: Any) -> None:
        seen.append((len(mappings()), len(rules()), len(schedules())))
        test(*arguments, **options)

    monkeypatch.setattr("spacy_lambda.deploy.publication.run_golden_tests", counting)
    return seen


def test_nothing_is_connected_before_the_first_version_is_live(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = events_seen(monkeypatch)
    (released,) = succeed(project, "deploy", "--yes")
    assert released["version"] == "1"
    assert seen == [(0, 0, 0)]
    ((name, function),) = mappings()
    assert function == f"{FUNCTION}:live"
    found = client("lambda").get_event_source_mapping(UUID=name)
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_corpus_is_annotated_by_what_was_deployed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_lambda.corpus.engines.aws_lambda.POLL_S", 0.1)
    for number in range(12):
        text = json.dumps({"text": f"Iron and silicon {number}."})
        (project / "corpus").mkdir(exist_ok=True)
        (project / "corpus" / f"{number:02}.jsonl").write_text(f"{text}\n")
    summary = succeed(project, "annotate", "corpus", "annotated", "--function", "ner", "--yes")
    assert (summary["shards"], summary["counts"]["entities"]) == (12, {"MATERIAL": 12})
    assert summary["cost"] > 12 * 4 * 25 / 1e6
    files = sorted((project / "annotated").glob("*.jsonl-*.jsonl"))
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert [one["text"] for one in found] == [f"Iron and silicon {number}." for number in range(12)]
    states = client("stepfunctions")
    (machine,) = states.list_state_machines()["stateMachines"]
    (execution,) = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    assert (machine["name"], execution["status"]) == (f"{FUNCTION}-annotate", "SUCCEEDED")
    bucket = f"papers-models-{ACCOUNT}-{REGION}"
    assert client("s3").list_objects_v2(Bucket=bucket, Prefix="annotate/")["KeyCount"] == 0


def test_a_queue_that_does_not_exist_is_found_before_anything_changes(project: Path) -> None:
    (project / "spacy-lambda.toml").write_text(CONFIG + QUEUE.replace("texts", "txets"))
    result = run(project, "deploy", "--yes")
    assert isinstance(result.exception, SpacyLambdaError)
    assert result.exception.message == "functions.ner.sources[0]: the queue txets does not exist"
    (project / "spacy-lambda.toml").write_text(CONFIG + QUEUE)


def test_a_message_is_answered(project: Path) -> None:
    name = send('{"text": "Iron and silicon."}')
    assert labels(name) == ["MATERIAL"]
    assert waiting() == 0


def test_the_notification_of_a_topic_is_answered(project: Path) -> None:
    message = {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:t", "MessageId": "inner"}
    name = send(json.dumps({**message, "Message": '{"text": "Iron and silicon."}'}))
    assert labels(name) == ["MATERIAL"]


def test_a_message_that_is_not_a_request_stays(project: Path) -> None:
    send("Iron")
    assert waiting() == 1
    client("sqs").purge_queue(QueueUrl=client("sqs").get_queue_url(QueueName="texts")["QueueUrl"])


def test_deploying_the_same_changes_nothing(project: Path) -> None:
    before = mappings()
    (released,) = succeed(project, "deploy", "--yes")
    assert (released["version"], released["previous"]) == ("1", "1")
    assert mappings() == before


def test_a_version_that_fails_its_golden_tests_gets_no_new_source(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = mappings()
    (project / "spacy-lambda.toml").write_text(CONFIG + OBJECTS)
    write_pipeline(project, "1.2.0", Iron="METAL")

    def failing(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("spacy_lambda.deploy.publication.run_golden_tests", failing)
    assert run(project, "deploy", "--yes").exit_code == 130
    assert (mappings(), rules(), schedules()) == (before, [], [])
    assert labels(send('{"text": "Iron and silicon."}')) == ["MATERIAL"]


def test_sources_change_when_the_version_goes_live(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.events.models import EventPattern

    (project / "spacy-lambda.toml").write_text(CONFIG + QUEUE + OBJECTS)
    (plan,) = succeed(project, "deploy", "--plan")
    names = {resource["name"] for resource in plan["resources"]}
    queue, bucket = plan["warnings"]
    assert "no redrive policy" in queue
    assert "the bucket incoming does not send its events to EventBridge" in bucket
    assert {f"texts invokes {FUNCTION}:live", f"{FUNCTION}: new objects of s3://incoming/in/"} <= names
    before = mappings()
    succeed(project, "deploy", "--yes")
    assert mappings() == before
    (rule,), (schedule,) = rules(), schedules()
    pattern: Any = EventPattern.load(rule["EventPattern"])
    for key, expected in {"in/a.txt": True, "in/b/a.jsonl.gz": True, "in/a.pdf": False, "out/a.txt": False}.items():
        assert pattern.matches_event(created(key)) is expected
    client("s3").put_object(Bucket="incoming", Key="in/a.txt", Body=b"Iron and silicon.")
    live = client("lambda").get_alias(FunctionName=FUNCTION, Name="live")["AliasArn"]
    (target,) = client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == schedule["Target"]["Arn"] == live
    client("lambda").invoke(FunctionName=live, Payload=json.dumps(created("in/a.txt")))
    assert labels("incoming/in/a") == ["METAL"]
    pong = client("lambda").invoke(FunctionName=live, Payload=schedule["Target"]["Input"])
    assert json.loads(pong["Payload"].read()) == {"status": "ok"}
    assert labels(send('{"text": "Iron and silicon."}')) == ["METAL"]


def test_the_status_has_everything_that_invokes_the_function(project: Path) -> None:
    (status,) = succeed(project, "status")
    sources = {one["kind"]: one for one in status["sources"]}
    assert sorted(sources) == ["bulk", "s3", "schedule", "sqs"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:texts"
    failed = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{FUNCTION}-failed"
    assert (sources["sqs"]["name"], sources["sqs"]["batch_size"], sources["sqs"]["failed_to"]) == (queue, 10, None)
    assert (sources["s3"]["name"], sources["s3"]["failed_to"]) == ("s3://incoming/in/", failed)
    assert (sources["schedule"]["name"], sources["schedule"]["failed_to"]) == ("rate(5 minutes)", failed)
    assert sources["bulk"]["name"].endswith(f":stateMachine:{FUNCTION}-annotate")
    assert sources["bulk"]["last_result"].startswith("SUCCEEDED, started ")
    lines = run(project, "status").output
    assert f"  sqs:      {queue}, Enabled, batch size 10" in lines
    assert "  s3:       s3://incoming/in/, ENABLED, failed to papers-ner-failed" in lines
    dead = client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": queue.replace("texts", "dead"), "maxReceiveCount": 5})
    url = client("sqs").get_queue_url(QueueName="texts")["QueueUrl"]
    client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    assert "batch size 10, failed to dead" in run(project, "status").output
    client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    client("sqs").delete_queue(QueueUrl=dead)


def test_a_rollback_leaves_them_connected(project: Path) -> None:
    before = mappings()
    assert run(project, "rollback", "--yes").exit_code == 0
    assert mappings() == before
    assert (len(rules()), len(schedules())) == (1, 1)
    assert labels(send('{"text": "Iron and silicon."}')) == ["MATERIAL"]


def test_sources_alone_are_released_too(project: Path) -> None:
    """The version stays the same; the sources change nevertheless."""
    succeed(project, "deploy", "--yes")
    (project / "spacy-lambda.toml").write_text(CONFIG + OBJECTS)
    (released,) = succeed(project, "deploy", "--yes")
    assert (released["version"], released["previous"]) == ("2", "2")
    assert (len(mappings()), len(rules()), len(schedules())) == (0, 1, 1)


def test_sources_of_a_newer_spacy_lambda_are_not_guessed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = {"Metadata": {"spacy-lambda:sources": '[{"kind": "topic"}]'}}
    monkeypatch.setattr("spacy_lambda.deploy.connections.deployed_template", lambda aws, function: template)
    result = run(project, "deploy", "--yes")
    assert isinstance(result.exception, SpacyLambdaError)
    assert "the event sources in the template of papers-ner are unknown" in result.exception.message
    assert install_command(option="--upgrade") in result.exception.remedy


def test_nothing_of_them_is_left(project: Path) -> None:
    assert succeed(project, "destroy", "--yes", "--delete-models")["left"] == []
    assert (mappings(), rules(), schedules()) == ([], [], [])
    assert client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert waiting() == 0
    assert client("s3").list_objects_v2(Bucket="incoming")["KeyCount"] == 1
