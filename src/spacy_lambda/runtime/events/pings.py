"""Events without a request: warm-up pings, the test event of S3, and schedules without an input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import TEXT_KEYS

__all__ = ["OK_RESPONSE", "PingEvent", "is_ping", "is_scheduled_ping"]

OK_RESPONSE = {"status": "ok"}
"""Response to an event without a request, as of ``GET /health``."""


class PingEvent:
    """``{"warmer": true}``, which keeps an execution environment warm, or the test event of S3: answered at once."""

    name = "ping"

    def matches(self, event: Any) -> bool:
        return is_ping(event)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Respond; the pipeline does not run."""
        predictor.observation.is_ping = True
        return OK_RESPONSE


def is_ping(event: Any) -> bool:
    """Return whether an event is a warm-up ping, or S3's test of a new notification.

    The test: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    if not isinstance(event, Mapping) or any(key in event for key in (*TEXT_KEYS, "Records")):
        return False
    return event.get("warmer") is True or event.get("Event") == "s3:TestEvent"


def is_scheduled_ping(event: Mapping[str, Any]) -> bool:
    """Return whether an event of EventBridge is one of a schedule without an input, or has a ping as its detail.

    A rule's event has an empty object as its detail; an event of EventBridge Scheduler has the string ``{}``
    (https://github.com/aws/aws-lambda-java-libs/issues/479).
    """
    detail = event["detail"]
    if is_ping(detail):
        return True
    if event["detail-type"] != "Scheduled Event":
        return False
    return detail in (None, {}) or (isinstance(detail, str) and detail.strip() in ("", "{}"))
