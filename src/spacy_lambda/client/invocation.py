"""The result of one invocation: frozen, and read from the response of Lambda's Invoke API."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spacy_lambda.client.call_errors import read_request_error
from spacy_lambda.client.report_line import Report, parse_report
from spacy_lambda.client.service_failures import ServiceFailure, function_failure
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import RequestError

__all__ = ["FunctionError", "Invocation", "read_invocation"]


@dataclass(frozen=True, kw_only=True)
class FunctionError:
    """The error that a function ended with.

    :param error_type: The exception's name, or one of Lambda's own such as ``Sandbox.Timedout``.
    :param message: The exception's text.
    :param request_error: The error in the request, if that was the reason.
    :param log_tail: The end of the log, as far as it was requested: it has the reason of some timeouts.
    """

    error_type: str
    message: str
    request_error: RequestError | None = None
    log_tail: str = field(default="", repr=False, compare=False)

    @property
    def failure(self) -> ServiceFailure | None:
        """The platform's failure, such as a timeout, if that was the reason."""
        if self.request_error is not None:
            return None
        return function_failure(self.error_type, self.message, self.log_tail)

    @property
    def remedy(self) -> str | None:
        """Remedy of an error in the request, or of the platform's failure."""
        if self.request_error is not None:
            return self.request_error.remedy
        return None if self.failure is None else self.failure.remedy


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One invocation and its result.

    :param answer: The function's response, as JSON gives it; the error's object if it failed.
    :param error: The function's error, or ``None``.
    :param status: The HTTP status: 200, 202 for an event, 204 for a dry run.
    :param executed_version: The version that ran.
    :param request_id: The invocation's id.
    :param log_tail: The last 4 KB of its log, if they were requested.
    """

    answer: Any
    error: FunctionError | None
    status: int
    executed_version: str
    request_id: str
    log_tail: str

    @property
    def report(self) -> Report | None:
        """The figures of the REPORT line, if the log has one."""
        return parse_report(self.log_tail)


def read_invocation(response: Mapping[str, Any], payload: bytes) -> Invocation:
    """Read boto3's response.

    :param payload: Its ``Payload``.
    :raises ValueError: If the response is not JSON.
    """
    failed = "FunctionError" in response
    answer = _error_object(payload) if failed else parse_json(payload) if payload else None
    log_tail = base64.b64decode(response.get("LogResult", "")).decode("utf-8", "replace")
    return Invocation(
        answer=answer,
        error=_function_error(answer, log_tail) if failed else None,
        status=response["StatusCode"],
        executed_version=response.get("ExecutedVersion", ""),
        request_id=response["ResponseMetadata"].get("RequestId", ""),
        log_tail=log_tail,
    )


def _error_object(payload: bytes) -> Any:
    """Read the error of a function, which may be anything."""
    try:
        return parse_json(payload)
    except ValueError:
        return payload[:1000].decode("utf-8", "replace")


def _function_error(answer: Any, log_tail: str) -> FunctionError:
    error = answer if isinstance(answer, dict) else {}
    error_type, message = str(error.get("errorType", "Unknown")), str(error.get("errorMessage", answer))
    if error_type != RequestError.__name__:
        return FunctionError(error_type=error_type, message=message, log_tail=log_tail)
    request_error = read_request_error(message)
    return FunctionError(error_type=error_type, message=request_error.message, request_error=request_error)
