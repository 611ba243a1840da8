"""Errors that Lambda itself returns for a function: their types and their JSON."""

from __future__ import annotations

import json
import signal

from spacy_lambda.local.messages import FunctionResponse

EXIT_ERROR = "Runtime.ExitError"
TIMED_OUT = "Sandbox.Timedout"
RESPONSE_TOO_LARGE = "Function.ResponseSizeTooLarge"


def exited(request_id: str, returncode: int) -> FunctionResponse:
    """Return the error for a process that ended before it responded.

    :param returncode: As in :mod:`subprocess`: negative for a signal.
    """
    return _error(EXIT_ERROR, f"RequestId: {request_id} Error: {_reason(returncode)}")


def timed_out(request_id: str, timeout_s: float) -> FunctionResponse:
    """Return the error for a function that exceeded its timeout and was killed."""
    return _error(TIMED_OUT, f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds")


def response_too_large(size: int, limit: int) -> FunctionResponse:
    """Return the error for a response that exceeds Lambda's limit."""
    return _error(
        RESPONSE_TOO_LARGE,
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes).",
    )


def _error(error_type: str, message: str) -> FunctionResponse:
    body = json.dumps({"errorType": error_type, "errorMessage": message})
    return FunctionResponse(payload=body.encode(), error_type=error_type)


def _reason(returncode: int) -> str:
    if returncode == 0:
        return "Runtime exited without providing a reason"
    if returncode > 0:
        return f"Runtime exited with error: exit status {returncode}"
    name = signal.strsignal(-returncode) or f"signal {-returncode}"
    return f"Runtime exited with error: signal: {name.lower()}"
