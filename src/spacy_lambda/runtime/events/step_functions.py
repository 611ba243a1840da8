"""The input of a Step Functions task: a request next to a key, which is returned next to the prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import TEXT_KEYS
from spacy_lambda.runtime.response_size import check_response

__all__ = ["StepFunctionsEvent"]


class StepFunctionsEvent:
    """``{"key": ..., "text": ...}`` -> ``{"key": ..., "answer": ...}``, so that a Map can match the two."""

    name = "Step Functions"

    def matches(self, event: Any) -> bool:
        return isinstance(event, Mapping) and "key" in event and any(key in event for key in TEXT_KEYS)

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Handle a task.

        :raises RequestError: If what is beside the key is not a request.
        """
        request = predictor.parse({key: value for key, value in event.items() if key != "key"})
        response = {"key": event["key"], "answer": predictor.predict(request)}
        check_response(response)
        return response
