"""What goes into an execution environment, and what comes out: two frozen types."""

from __future__ import annotations

from dataclasses import dataclass

from spacy_lambda.client.report_line import Report


@dataclass(frozen=True, kw_only=True)
class Request:
    """One invocation on its way to a function.

    :param request_id: A UUID; the runtime answers under it.
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
class Answer:
    """What one environment said to a request, or what became of it instead.

    :param payload: The function's answer, or the error's JSON.
    :param error_type: The type of the function error; ``None`` for a success.
    """

    payload: bytes
    error_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An answer with its account.

    :param answer: The answer.
    :param report: What the invocation cost.
    :param log_tail: The last 4 KB of what was logged during the invocation, START to REPORT.
    """

    answer: Answer
    report: Report
    log_tail: bytes
