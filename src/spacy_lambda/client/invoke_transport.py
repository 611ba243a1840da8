"""The transport that invokes a function by its name."""

from __future__ import annotations

from typing import Any

from spacy_lambda.client.call_errors import TRANSIENT, status_error
from spacy_lambda.client.invocation import FunctionError
from spacy_lambda.client.lambda_api import CallOptions, call_function
from spacy_lambda.client.transport import CallError, to_json
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.core.wire_errors import from_problem
from spacy_lambda.errors import InvokeError

__all__ = ["InvokeTransport"]


class InvokeTransport:
    """A function by its name.

    :param function: Its name or ARN.
    :param client: boto3's for Lambda, which calls once.
    :param qualifier: A version or an alias.
    :param timeout_s: Seconds for a call without a deadline.
    :param max_answer_bytes: Maximum size of a response.
    """

    def __init__(
        self, function: str, client: Any, *, qualifier: str | None, timeout_s: float, max_answer_bytes: int
    ) -> None:
        self._function = function
        self._client = client
        self._options: CallOptions = {
            "qualifier": qualifier,
            "timeout_s": timeout_s,
            "max_answer_bytes": max_answer_bytes,
        }

    def predict(self, body: bytes) -> Any:
        """Invoke the function with the request itself."""
        return self._invoke(body)

    def get(self, path: str) -> Any:
        """Invoke the function with the event of a Function URL."""
        http = {"method": "GET", "path": path}
        event = {"version": "2.0", "rawPath": path, "headers": {}, "requestContext": {"http": http}}
        answer = self._invoke(to_json(event))
        try:
            status, body = int(answer["statusCode"]), str(answer["body"])
            found = parse_json(body)
        except (TypeError, KeyError, ValueError) as exc:
            error = InvokeError(f"{self._function} has no HTTP API", remedy="check the function's handler")
            raise CallError(error) from exc
        if status != 200:
            request_error = from_problem(body.encode("utf-8", "replace")) if status < 500 else None
            raise CallError(request_error or status_error(self._function, status, body), retryable=status in TRANSIENT)
        return found

    def cost(self, text: str) -> int:
        """Return the bytes of the text in the event."""
        return len(to_json(text))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _invoke(self, event: bytes) -> Any:
        invocation = call_function(self._client, self._function, event, **self._options)
        if invocation.error is not None:
            raise self._failed(invocation.error)
        return invocation.answer

    def _failed(self, error: FunctionError) -> CallError:
        if error.request_error is not None:
            return CallError(error.request_error, splittable=error.request_error.status == 413)
        failure = error.failure
        about = error.message[:500] if failure is None else failure.message
        found = InvokeError(
            f"{self._function} failed: {error.error_type}: {about}",
            remedy="see the function's log" if failure is None else failure.remedy,
        )
        return CallError(found, retryable=failure is None or not failure.lasting, splittable=True)
