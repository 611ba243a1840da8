"""Events of an EventBridge bus: requests, and S3's events of new objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from spacy_lambda.core.env_names import OUTPUT_VARIABLE
from spacy_lambda.runtime.events.output import Output, open_output
from spacy_lambda.runtime.events.records import encode, field
from spacy_lambda.runtime.events.s3 import predict_object
from spacy_lambda.runtime.events.s3_objects import StoredObject
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["EventBridgeEvent"]


class EventBridgeEvent:
    """An event whose ``detail`` is a request, or names an object.

    :param open_output: Opens what the environment names.
    """

    name = "EventBridge"

    def __init__(self, open_output: Callable[[Mapping[str, str]], Output] = open_output) -> None:
        self._open_output = open_output

    def infer(self, event: Any) -> bool:
        return isinstance(event, Mapping) and {"detail-type", "source", "detail"} <= event.keys()

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Handle an event.

        :returns: The prediction, also written to the output if any; for an object, the location of its prediction.
        :raises RequestError: If the request is invalid.
        :raises OutputError: If the prediction cannot be written.
        """
        if (event["source"], event["detail-type"]) == ("aws.s3", "Object Created"):
            stored, output = _stored(event["detail"]), self._open_output(predictor.environ)
            return {"written": [predict_object(stored, output, predictor)]}
        prediction = predictor.predict(predictor.parse(event["detail"]))
        if predictor.environ.get(OUTPUT_VARIABLE):
            name = field(event, "id")
            self._open_output(predictor.environ).write(name, encode({"id": name, "answer": prediction}))
        return prediction


def _stored(detail: Any) -> StoredObject:
    """Return the object of an event. Keys are not URL-encoded here, unlike in S3's own notifications."""
    key = field(detail, "object", "key")
    return StoredObject(field(detail, "bucket", "name"), key, detail["object"].get("version-id"))
