"""The body of an event -> its content: a request, or new objects in S3.

Services wrap one another: a topic that S3 notifies may deliver to a queue, as may EventBridge. What is inside is read
in the same way, whichever of them delivers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.pings import is_ping, is_scheduled_ping
from spacy_lambda.runtime.events.records import field, is_from, parse_body
from spacy_lambda.runtime.events.s3_objects import StoredObject
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import Request

__all__ = ["Content", "is_eventbridge_event", "notified_object", "read_content"]

Content = Request | tuple[StoredObject, ...]
"""A request, or objects; none for a ping, which needs nothing but an answer."""

BUS_KEYS = {"detail-type", "source", "detail"}
"""Keys of every event of EventBridge."""


def read_content(body: Any, predictor: Predictor) -> Content:
    """Read the content of a body.

    :param body: A request, a notification of S3 or SNS, an event of EventBridge, or a ping.
    :raises RequestError: If it is none of these, or its request is invalid.
    """
    body = _unwrapped(body)
    if is_ping(body):
        return ()
    if is_from(body, "aws:s3"):
        return tuple(notified_object(record) for record in body["Records"])
    if is_eventbridge_event(body):
        return _content_of_bus(body, predictor)
    return predictor.parse(body)


def is_eventbridge_event(event: Any) -> bool:
    """Return whether an event comes from EventBridge, by its shape."""
    return isinstance(event, Mapping) and event.keys() >= BUS_KEYS


def notified_object(record: Any) -> StoredObject:
    """Return the object of a record of S3's notifications, in which keys are URL-encoded.

    :raises RequestError: If the record is not of a new object.
    """
    happened = field(record, "eventName")
    if not happened.startswith("ObjectCreated:"):
        remedy = "subscribe to s3:ObjectCreated:* only"
        loggable = RequestError("the event of S3 is not supported", remedy=remedy)
        raise RequestError(f"{happened} is not supported", remedy=remedy, loggable=loggable)
    key = unquote_plus(field(record, "s3", "object", "key"))
    return StoredObject(field(record, "s3", "bucket", "name"), key, record["s3"]["object"].get("versionId"))


def _unwrapped(body: Any) -> Any:
    """Return the message of an SNS notification, which it is in unless raw message delivery is on."""
    if isinstance(body, Mapping) and body.get("Type") == "Notification" and "TopicArn" in body:
        return parse_body(field(body, "Message"), name="the message of the topic")
    return body


def _content_of_bus(event: Mapping[str, Any], predictor: Predictor) -> Content:
    detail = event["detail"]
    if is_scheduled_ping(event):
        return ()
    if (event["source"], event["detail-type"]) == ("aws.s3", "Object Created"):
        key = field(detail, "object", "key")  # not URL-encoded, unlike in S3's own notifications
        return (StoredObject(field(detail, "bucket", "name"), key, detail["object"].get("version-id")),)
    return predictor.parse(detail)
