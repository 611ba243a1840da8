"""Messages of an SNS topic that invokes the function itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from spacy_lambda.runtime.events.content import read_content
from spacy_lambda.runtime.events.output import Output, open_output
from spacy_lambda.runtime.events.records import encode, field, is_from, parse_body, write_each
from spacy_lambda.runtime.events.s3 import predict_objects
from spacy_lambda.runtime.predictor import Predictor
from spacy_lambda.runtime.request import Request

__all__ = ["SnsEvent"]

_log = logging.getLogger(__name__)


class SnsEvent:
    """Messages, each with a request, a notification of S3, or an event of EventBridge.

    Lambda retries the event if one of them fails.

    :param open_output: Opens what the environment names.
    """

    name = "SNS"

    def __init__(self, open_output: Callable[[Mapping[str, str]], Output] = open_output) -> None:
        self._open_output = open_output

    def matches(self, event: Any) -> bool:
        return is_from(event, "aws:sns")

    def handle(self, event: Any, context: Any, predictor: Predictor) -> Any:
        """Handle every message.

        :returns: The names of the predictions that were written.
        :raises Exception: If a message could not be handled: its error, after all others were handled.
        """

        def write(record: Any) -> list[str]:
            return self._write(field(record, "Sns", "MessageId"), record["Sns"], predictor)

        return write_each(event["Records"], write, logger=_log, what="a message")

    def _write(self, name: str, message: Any, predictor: Predictor) -> list[str]:
        content = read_content(parse_body(field(message, "Message")), predictor)
        if isinstance(content, Request):
            output, prediction = self._open_output(predictor.environ), predictor.predict(content)
            output.write(name, encode({"messageId": name, "answer": prediction}))
            return [name]
        return predict_objects(content, lambda: self._open_output(predictor.environ), predictor)["written"]
