"""State of event sources, by stand-ins for the clients: what moto does not have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from spacy_lambda.deploy.source_status import SourceStatus, source_statuses
from spacy_lambda.deploy.stacks import StackResource

STREAM = "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:papers-ner-failed"
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:papers-ner-annotate"


def statuses(kind: str, name: str, **calls: Any) -> tuple[SourceStatus, ...]:
    """Return the statuses, of clients that return these values, or raise these errors."""

    def method(value: Any) -> Any:
        def call(**_: Any) -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        return call

    client = SimpleNamespace(**{name: method(value) for name, value in calls.items()})
    aws: Any = SimpleNamespace(client=lambda service: client)
    resources = [StackResource("papers-ner", "AWS::IAM::Role", "role"), StackResource("papers-ner", kind, name)]
    return source_statuses(aws, resources)


def test_a_stream() -> None:
    mapping = {
        "EventSourceArn": STREAM,
        "State": "Enabled",
        "BatchSize": 100,
        "LastProcessingResult": "PROBLEM: Function call failed",
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    }
    assert statuses("AWS::Lambda::EventSourceMapping", "uuid", get_event_source_mapping=mapping) == (
        SourceStatus("kinesis", STREAM, "Enabled", 100, QUEUE, "PROBLEM: Function call failed"),
    )


def test_a_queue_whose_attributes_are_denied() -> None:
    queue = QUEUE.replace("papers-ner-failed", "texts")
    mapping = {"EventSourceArn": queue, "State": "Disabled", "BatchSize": 10}
    found = statuses(
        "AWS::Lambda::EventSourceMapping", "uuid", get_event_source_mapping=mapping, get_queue_url=denied("GetQueueUrl")
    )
    assert found == (SourceStatus("sqs", queue, "Disabled", 10),)


def test_a_state_machine_that_never_ran() -> None:
    found = statuses(
        "AWS::StepFunctions::StateMachine",
        MACHINE,
        describe_state_machine={"status": "ACTIVE"},
        list_executions={"executions": []},
    )
    assert found == (SourceStatus("bulk", MACHINE, "ACTIVE"),)


def test_what_is_denied_does_not_hide_the_rest() -> None:
    found = statuses("AWS::StepFunctions::StateMachine", MACHINE, describe_state_machine=denied("DescribeStateMachine"))
    assert found == (SourceStatus("bulk", MACHINE, "state unknown: access denied"),)
    failed = ClientError({"Error": {"Code": "InternalFailure", "Message": "no"}}, "DescribeStateMachine")
    with pytest.raises(ClientError):
        statuses("AWS::StepFunctions::StateMachine", MACHINE, describe_state_machine=failed)


def denied(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)
