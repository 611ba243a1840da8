"""Event -> its event source, recognized by its shape.

A direct invocation, the most common, has none of the keys of the others, and imports none of their modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.events.protocol import EventSource
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.response_size import check_response

__all__ = ["dispatch", "event_sources"]

EVENT_KEYS = tuple("Event Records actionGroup detail-type httpMethod key requestContext shard warmer".split())
"""Keys: every event source has at least one of them, a direct invocation none."""


def dispatch(event: Any, context: Any, predictor: Predictor) -> Any:
    """Handle an event.

    :raises RequestError: If its source is unknown, or its request is invalid.
    """
    predictor.capacity.begin(context)
    if not (isinstance(event, Mapping) and any(key in event for key in EVENT_KEYS)):
        prediction = predictor.predict(predictor.parse(event))
        check_response(prediction)
        return prediction
    tried = []
    for source in event_sources():
        if source.matches(event):
            predictor.observation.source = source.name
            return source.handle(event, context, predictor)
        tried.append(source.name)
    raise RequestError(
        f"unrecognized event with {', '.join(repr(key) for key in EVENT_KEYS if key in event)}; "
        f"tried: {', '.join(tried)}",
        remedy='send it as AWS does, or invoke the function with {"text": "..."}',
    )


def event_sources() -> Iterator[EventSource]:
    """Yield every event source, in the order of comparison; each is imported at its turn."""
    from spacy_lambda.runtime.events.http.integrations import INTEGRATIONS

    yield from INTEGRATIONS
    from spacy_lambda.runtime.events.pings import PingEvent

    yield PingEvent()
    from spacy_lambda.runtime.events.sqs import SqsEvent

    yield SqsEvent()
    from spacy_lambda.runtime.events.sns import SnsEvent

    yield SnsEvent()
    from spacy_lambda.runtime.events.s3 import S3Event

    yield S3Event()
    from spacy_lambda.runtime.events.kinesis import KinesisEvent

    yield KinesisEvent()
    from spacy_lambda.runtime.events.eventbridge import EventBridgeEvent

    yield EventBridgeEvent()
    from spacy_lambda.runtime.events.step_functions import StepFunctionsEvent

    yield StepFunctionsEvent()
    from spacy_lambda.runtime.events.shard import ShardEvent

    yield ShardEvent()
    from spacy_lambda.runtime.events.bedrock_agent import BedrockAgentEvent

    yield BedrockAgentEvent()
