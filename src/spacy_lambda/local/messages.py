"""The messages between callers and execution environments, as three frozen types."""

from __future__ import annotations

from dataclasses import dataclass

from spacy_lambda.client.report_line import Report

__all__ = ["FunctionResponse", "InvokeRequest", "Outcome"]


@dataclass(frozen=True, kw_only=True)
class InvokeRequest:
    """One invocation on its way to a function.

    :param request_id: A UUID; the runtime responds under it.
    :param payload: The event, as JSON.
    :param arn: The function's ARN as the caller named it, with the qualifier.
    :param trace_id: The value of ``X-Amzn-Trace-Id``.
    :param client_context: The caller's client context, decoded, or an empty string.
    """

    request_id: str
    payload: bytes
    arn: str
    trace_id: str
    client_context: str = ""


@dataclass(frozen=True, kw_only=True)
class FunctionResponse:
    """The response of a function to one request, or of Lambda if the function has none.

    :param payload: The function's response, or the error's JSON.
    :param error_type: The type of the function error; ``None`` for a success.
    """

    payload: bytes
    error_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A response, its figures and its log.

    :param response: The response.
    :param report: The figures of the REPORT line.
    :param log_tail: The last 4 KB of the invocation's log, START to REPORT.
    """

    response: FunctionResponse
    report: Report
    log_tail: bytes
