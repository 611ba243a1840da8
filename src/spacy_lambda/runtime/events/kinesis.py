"""Records of a Kinesis data stream, each a request."""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from spacy_lambda.errors import OutOfTimeError, RequestError
from spacy_lambda.runtime.events.output import Output, open_output
from spacy_lambda.runtime.events.records import encode, error_of, field, is_from, outcomes_of, parse_body, warn
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import Request

__all__ = ["KinesisEvent"]

_log = logging.getLogger(__name__)


class KinesisEvent:
    """A batch of one shard's records, whose texts go through the pipeline together.

    A record that cannot be processed would hold up its shard for days; its error is written instead of its prediction.
    Only what cannot be written, or was not reached in time, is reported, and from there the service begins again: the
    event source mapping needs ``ReportBatchItemFailures``.

    :param open_output: Opens what the environment names.
    """

    name = "Kinesis"

    def __init__(self, open_output: Callable[[Mapping[str, str]], Output] = open_output) -> None:
        self._open_output = open_output

    def matches(self, event: Any) -> bool:
        return is_from(event, "aws:kinesis")

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Handle a batch.

        :returns: The first record that was not reached, or whose prediction could not be written, if any; none is
            written after it.
        :raises OutputError: If the output is missing or invalid.
        """
        output = self._open_output(predictor.environ)
        records = event["Records"]
        names = [(field(record, "eventID"), field(record, "kinesis", "sequenceNumber")) for record in records]
        read = [_read(record, predictor) for record in records]
        outcomes = iter(outcomes_of(predictor, [request for request in read if isinstance(request, Request)]))
        for (name, number), request in zip(names, read, strict=True):
            outcome = next(outcomes) if isinstance(request, Request) else request
            try:
                if isinstance(outcome, OutOfTimeError):
                    raise outcome
                output.write(name.replace(":", "-"), encode(_record_of(number, outcome)))
            except Exception as exc:
                warn(_log, f"record {name}", exc)
                return {"batchItemFailures": [{"itemIdentifier": number}]}
        return {"batchItemFailures": []}


def _read(record: Any, predictor: Predictor) -> Request | RequestError:
    try:
        return predictor.parse(parse_body(_decoded(field(record, "kinesis", "data")), name="the record"))
    except RequestError as exc:
        return exc


def _decoded(data: str) -> bytes:
    try:
        return b64decode(data, validate=True)
    except ValueError:
        raise RequestError("the data is not base64", remedy="send the event as AWS does", key="data") from None


def _record_of(number: str, outcome: Any) -> dict[str, Any]:
    if not isinstance(outcome, Exception):
        return {"sequenceNumber": number, "answer": outcome}
    warn(_log, f"record {number}", outcome)
    return {"sequenceNumber": number, "error": error_of(outcome)}
