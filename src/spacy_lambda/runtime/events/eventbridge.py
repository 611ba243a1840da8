"""Events of an EventBridge bus: requests, S3's events of new objects, and schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from spacy_lambda.core.env_names import OUTPUT_VARIABLE
from spacy_lambda.runtime.events.content import is_eventbridge_event, read_content
from spacy_lambda.runtime.events.output import Output, open_output
from spacy_lambda.runtime.events.pings import OK_RESPONSE
from spacy_lambda.runtime.events.records import encode, field
from spacy_lambda.runtime.events.s3 import predict_objects
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import Request

__all__ = ["EventBridgeEvent"]


class EventBridgeEvent:
    """An event whose ``detail`` is a request, names an object, or is empty because a schedule has no input.

    :param open_output: Opens what the environment names.
    """

    name = "EventBridge"

    def __init__(self, open_output: Callable[[Mapping[str, str]], Output] = open_output) -> None:
        self._open_output = open_output

    def matches(self, event: Any) -> bool:
        return is_eventbridge_event(event)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Handle an event.

        :returns: The prediction, also written to the output if any; for an object, the location of its prediction.
        :raises RequestError: If the request is invalid.
        :raises OutputError: If the prediction cannot be written.
        """
        content = read_content(event, predictor)
        if content == ():
            predictor.observation.is_ping = True
            return OK_RESPONSE
        if not isinstance(content, Request):
            return predict_objects(content, lambda: self._open_output(predictor.environ), predictor)
        prediction = predictor.predict(content)
        if predictor.environ.get(OUTPUT_VARIABLE):
            name = field(event, "id")
            self._open_output(predictor.environ).write(name, encode({"id": name, "answer": prediction}))
        return prediction
