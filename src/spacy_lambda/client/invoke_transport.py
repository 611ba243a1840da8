"""Through Lambda's Invoke API, with boto3."""

from __future__ import annotations

import json
from typing import Any

from botocore import exceptions

from ..errors import InvokeError
from .failures import DENIED, TRANSIENT, CallFailed, problem_error, refused, request_error
from .signing import no_credentials
from .transport import to_json

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

LOST = (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError)
BROKEN = (exceptions.SSLError, exceptions.InvalidProxiesConfigError)


class InvokeTransport:
    """A function by its name.

    :param function: Its name or ARN.
    :param client: boto3's for Lambda, which calls once.
    :param qualifier: A version or an alias.
    """

    def __init__(self, function: str, client: Any, *, qualifier: str | None) -> None:
        self._function = function
        self._client = client
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
            status, body = answer["statusCode"], answer["body"]
            found = json.loads(body)
        except (TypeError, KeyError, ValueError) as exc:
            error = InvokeError(f"{self._function} has no HTTP API", remedy="check the function's handler")
            raise CallFailed(error) from exc
        if status != 200:
            mistake = problem_error(status, body.encode()) if status < 500 else None
            raise CallFailed(mistake or refused(self._function, status, body), again=status in TRANSIENT)
        return found

    def cost(self, text: str) -> int:
        """The bytes of the text in the event."""
        return len(to_json(text))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _invoke(self, event: bytes) -> Any:
        try:
            response = self._client.invoke(FunctionName=self._function, Payload=event, **self._options)
            payload = response["Payload"].read()
        except exceptions.ClientError as exc:
            failed = self._refused(exc)
            # Its text is that of the refusal, which may quote the session token.
            raise failed from (None if _status(exc) in DENIED else exc)
        except exceptions.BotoCoreError as exc:
            raise self._not_reached(exc) from exc
        answer = _decoded(payload)
        if "FunctionError" in response:
            raise self._failed(answer if isinstance(answer, dict) else {"errorMessage": str(answer)})
        return answer

    def _failed(self, said: dict[str, Any]) -> CallFailed:
        kind, text = str(said.get("errorType", "error")), str(said.get("errorMessage", ""))
        if kind == "RequestError":
            return CallFailed(request_error(text))
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

    def _not_reached(self, exc: exceptions.BotoCoreError) -> CallFailed:
        if isinstance(exc, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
            return CallFailed(no_credentials(type(exc).__name__))
        timed_out = isinstance(exc, exceptions.ReadTimeoutError)
        error = InvokeError(
            f"{self._function} cannot be reached: {type(exc).__name__}",
            remedy="give a higher timeout_s" if timed_out else "check the function's name, the region and the network",
        )
        return CallFailed(error, again=isinstance(exc, LOST) and not isinstance(exc, BROKEN), smaller=timed_out)


def _status(exc: exceptions.ClientError) -> int:
    status: int = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def _decoded(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
