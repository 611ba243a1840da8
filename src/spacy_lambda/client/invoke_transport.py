"""Through Lambda's Invoke API, with boto3."""

from __future__ import annotations

from typing import Any

import urllib3
from botocore import exceptions

from spacy_lambda.client.call_errors import (
    CHECK,
    DENIED,
    TRANSIENT,
    CallFailed,
    out_of_time,
    refused,
    request_error,
    unusable,
)
from spacy_lambda.client.deadline import Deadline, current_deadline
from spacy_lambda.client.response_body import BodyError, read_body
from spacy_lambda.client.signing import no_credentials
from spacy_lambda.client.transport import to_json
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.core.wire_errors import from_problem
from spacy_lambda.errors import InvokeError

__all__ = ["InvokeTransport"]

TRANSIENT_CODES = frozenset(
    {
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "EFSMountConnectivityException",
        "EFSMountTimeoutException",
        "ENILimitReachedException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "ServiceException",
        "SnapStartNotReadyException",
        "SnapStartTimeoutException",
        "TooManyRequestsException",
    }
)
"""Lambda's own errors that pass: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors."""

LOST = (
    exceptions.HTTPClientError,
    exceptions.ConnectionError,
    exceptions.IncompleteReadError,
    exceptions.ResponseStreamingError,
    OSError,
    urllib3.exceptions.HTTPError,
)
CHUNK = 64 * 1024

BROKEN = (exceptions.SSLError, exceptions.InvalidProxiesConfigError)


class InvokeTransport:
    """A function by its name.

    :param function: Its name or ARN.
    :param client: boto3's for Lambda, which calls once.
    :param qualifier: A version or an alias.
    :param timeout_s: Seconds for a call that has no deadline of its own.
    :param max_answer_bytes: Bytes of an answer at most.
    """

    def __init__(
        self, function: str, client: Any, *, qualifier: str | None, timeout_s: float, max_answer_bytes: int
    ) -> None:
        self._function = function
        self._client = client
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._options = {} if qualifier is None else {"Qualifier": qualifier}

    def predict(self, body: bytes) -> Any:
        """A direct invocation."""
        return self._invoke(body)

    def get(self, path: str) -> Any:
        """The HTTP API, asked as a Function URL asks it."""
        http = {"method": "GET", "path": path}
        event = {"version": "2.0", "rawPath": path, "headers": {}, "requestContext": {"http": http}}
        answer = self._invoke(to_json(event))
        try:
            status, body = int(answer["statusCode"]), str(answer["body"])
            found = parse_json(body)
        except (TypeError, KeyError, ValueError) as exc:
            error = InvokeError(f"{self._function} has no HTTP API", remedy="check the function's handler")
            raise CallFailed(error) from exc
        if status != 200:
            mistake = from_problem(body.encode("utf-8", "replace")) if status < 500 else None
            raise CallFailed(mistake or refused(self._function, status, body), again=status in TRANSIENT)
        return found

    def cost(self, text: str) -> int:
        """The bytes of the text in the event."""
        return len(to_json(text))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _invoke(self, event: bytes) -> Any:
        with current_deadline(self._timeout_s) as deadline:
            try:
                response, payload = self._exchange(event, deadline)
            except exceptions.ClientError as exc:
                failed = self._refused(exc)
                # Its text is that of the refusal, which may quote the session token.
                raise failed from (None if _status(exc) in DENIED else exc)
            except BodyError as exc:
                raise unusable(self._function, exc) from exc
            except Exception as exc:  # botocore lets through what urllib3 and its own parsers raise
                raise self._not_reached(exc, deadline) from exc
        if "FunctionError" in response:
            raise self._failed(_said(payload))
        return self._decoded(payload)

    def _exchange(self, event: bytes, deadline: Deadline) -> tuple[Any, bytes]:
        deadline.check()
        response = self._client.invoke(FunctionName=self._function, Payload=event, **self._options)
        chunks = iter(lambda: response["Payload"].read(CHUNK), b"")
        payload = read_body(chunks, None, limit=self._max_answer_bytes)
        deadline.check()
        return response, payload

    def _decoded(self, payload: bytes) -> Any:
        try:
            return parse_json(payload)
        except ValueError as exc:
            error = InvokeError(f"{self._function} answered what is not JSON: {exc}", remedy=CHECK)
            raise CallFailed(error) from exc

    def _failed(self, said: dict[str, Any]) -> CallFailed:
        kind, text = str(said.get("errorType", "error")), str(said.get("errorMessage", ""))
        if kind == "RequestError":
            mistake = request_error(text)
            return CallFailed(mistake, smaller=mistake.status == 413)
        too_large = kind.endswith("ResponseSizeTooLarge")
        error = InvokeError(
            f"{self._function} failed: {kind}: {text[:500]}",
            remedy="ask for less: fewer texts, or parts, at once" if too_large else "the function's log says why",
        )
        return CallFailed(error, again=not too_large, smaller=True)

    def _refused(self, exc: exceptions.ClientError) -> CallFailed:
        status, said = _status(exc), exc.response.get("Error", {})
        code = said.get("Code", "")
        headers = exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return CallFailed(
            refused(self._function, status, f"{code}: {said.get('Message', '')}"),
            again=status in TRANSIENT or code in TRANSIENT_CODES,
            smaller=status == 413,
            retry_after=headers.get("retry-after"),
        )

    def _not_reached(self, exc: Exception, deadline: Deadline) -> CallFailed:
        if isinstance(exc, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
            return CallFailed(no_credentials(type(exc).__name__))
        if deadline.is_over or isinstance(exc, exceptions.ReadTimeoutError):
            return out_of_time(self._function, deadline.seconds)
        error = InvokeError(
            f"{self._function} cannot be reached: {type(exc).__name__}",
            remedy="check the function's name, the region and the network",
        )
        return CallFailed(error, again=isinstance(exc, LOST) and not isinstance(exc, BROKEN))


def _status(exc: exceptions.ClientError) -> int:
    status: int = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def _said(payload: bytes) -> dict[str, Any]:
    """The error that a function ended with."""
    try:
        said = parse_json(payload)
    except ValueError:
        said = payload[:1000].decode("utf-8", "replace")
    return said if isinstance(said, dict) else {"errorMessage": str(said)}
