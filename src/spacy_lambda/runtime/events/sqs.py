"""Messages of an SQS queue, each processed or reported as failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from spacy_lambda.runtime.events.content import Content, read_content
from spacy_lambda.runtime.events.output import Output, open_output
from spacy_lambda.runtime.events.records import encode, field, is_from, outcomes_of, parse_body, warn
from spacy_lambda.runtime.events.s3 import predict_objects
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import Request

__all__ = ["SqsEvent"]

Message = Mapping[str, Any]
T = TypeVar("T")
U = TypeVar("U")

_log = logging.getLogger(__name__)


class SqsEvent:
    """A batch of messages, whose texts go through the pipeline together.

    A message is a request, or what SNS, S3 or EventBridge sends to a queue; objects are processed one by one. Those
    that cannot be processed, or whose predictions cannot be written, are reported, no others: the event source
    mapping needs ``ReportBatchItemFailures``. Of a FIFO queue's group, nothing is done after the first that fails.

    :param open_output: Opens what the environment names.
    """

    name = "SQS"

    def __init__(self, open_output: Callable[[Mapping[str, str]], Output] = open_output) -> None:
        self._open_output = open_output

    def matches(self, event: Any) -> bool:
        return is_from(event, "aws:sqs")

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Handle a batch.

        :returns: The messages that SQS redelivers.
        :raises OutputError: If the output is missing or invalid.
        """
        names = [field(message, "messageId") for message in event["Records"]]
        failed: set[str] = set()

        def read(message: Message, _: None) -> Content:
            return read_content(parse_body(field(message, "body")), predictor)

        contents = _each(((message, None) for message in event["Records"]), read, failed)
        if contents and all(content == () for _, content in contents):  # pings need no output
            return _failures(names, failed)
        output = self._open_output(predictor.environ)

        def finish(message: Message, result: tuple[Content, Any]) -> None:
            content, outcome = result
            if isinstance(content, Request):
                _write(output, message["messageId"], outcome)
            else:
                predict_objects(content, lambda: output, predictor)

        outcomes = iter(outcomes_of(predictor, [one for _, one in contents if isinstance(one, Request)]))
        results = [(one, next(outcomes) if isinstance(one, Request) else None) for _, one in contents]
        _each(((message, result) for (message, _), result in zip(contents, results, strict=True)), finish, failed)
        return _failures(names, failed)


def _write(output: Output, name: str, outcome: Any) -> None:
    if isinstance(outcome, Exception):
        raise outcome
    output.write(name, encode({"messageId": name, "answer": outcome}))


def _failures(names: Sequence[str], failed: set[str]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names if name in failed]}


def _each(
    items: Iterable[tuple[Message, T]], step: Callable[[Message, T], U], failed: set[str]
) -> list[tuple[Message, U]]:
    """Take a step with each message, in order, and give those that it succeeds with.

    :param failed: Gets the others, and those of a group that follow one of them.
    """
    succeeded: list[tuple[Message, U]] = []
    stopped: set[str] = set()
    for message, value in items:
        group = _group(message)
        try:
            if group not in stopped:
                succeeded.append((message, step(message, value)))
                continue
        except Exception as exc:  # any error, of one message only
            warn(_log, f"message {message['messageId']}", exc)
            if group is not None:
                stopped.add(group)
        failed.add(message["messageId"])
    return succeeded


def _group(message: Message) -> str | None:
    """Return the group whose messages are ordered; messages of other queues have none."""
    if not str(message.get("eventSourceARN")).endswith(".fifo"):
        return None
    return field(message, "attributes", "MessageGroupId")
