"""Log events of a function as people read them: one line for an invocation, and one for its REPORT line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.client.report_line import Report, parse_report
from spacy_lambda.core.counts import count
from spacy_lambda.core.metric_names import CHARACTERS, ENTITIES, TEXTS
from spacy_lambda.core.strict_json import parse_json

__all__ = ["readable"]

WITHOUT_NEWS = ("START RequestId: ", "END RequestId: ", "INIT_START ")
PLATFORM = "platform."
PLATFORM_REPORT = "platform.report"
FACTS = {"source", "durationMs", TEXTS, CHARACTERS, ENTITIES}


def readable(message: str) -> list[str]:
    """Return the lines that show a log event on a terminal; none if it has no news.

    :param message: As CloudWatch has it: text, or one JSON object, whose fields are not trusted.
    """
    if message.startswith(WITHOUT_NEWS):
        return []
    report = parse_report(message)
    if report is not None:
        return [_report_line(report)]
    event = _json_object(message)
    kind = event.get("type")
    if event.keys() >= FACTS:
        return [_invocation_line(event)]
    if isinstance(kind, str) and kind.startswith(PLATFORM):
        return _platform_lines(kind, event.get("record"), message)
    if isinstance(event.get("level"), str) and isinstance(event.get("message"), str):
        return f"{event['level']} {event['message']}".splitlines()
    return message.splitlines()


def _json_object(message: str) -> Mapping[str, Any]:
    try:
        found = parse_json(message) if message.startswith("{") else None
    except ValueError:
        found = None
    return found if isinstance(found, Mapping) else {}


def _invocation_line(facts: Mapping[str, Any]) -> str:
    """Return the numbers of an invocation, of the line of :mod:`spacy_lambda.runtime.telemetry`."""
    numbers = (
        count(int(_number(facts[TEXTS])), "text"),
        count(int(_number(facts[CHARACTERS])), "character"),
        count(int(_number(facts[ENTITIES])), "entity", "entities"),
        f"{_number(facts['durationMs']):,.1f} ms",
        *([f"init {_number(facts['initMs']):,.0f} ms"] if "initMs" in facts else []),
        *([f"error {facts['error']}"] if "error" in facts else []),
    )
    return f"{facts['source']}: {', '.join(numbers)}"


def _platform_lines(kind: str, record: Any, message: str) -> list[str]:
    """Return the line of Lambda's own event in its JSON format; none if it reports no failure."""
    if not isinstance(record, Mapping):
        return [message]
    metrics = record.get("metrics")
    if kind == PLATFORM_REPORT and isinstance(metrics, Mapping):
        status = record.get("status")
        return [
            _report_line(
                Report(
                    request_id=str(record.get("requestId")),
                    duration_ms=_number(metrics.get("durationMs")),
                    memory_size_mb=int(_number(metrics.get("memorySizeMB"))),
                    max_memory_mb=int(_number(metrics.get("maxMemoryUsedMB"))),
                    init_ms=_number(metrics["initDurationMs"]) if "initDurationMs" in metrics else None,
                    status=None if status in (None, "success") else str(status),
                )
            )
        ]
    return [] if record.get("status", "success") == "success" else [message]


def _report_line(report: Report) -> str:
    return ", ".join(_report_parts(report))


def _report_parts(report: Report) -> Iterator[str]:
    yield f"REPORT {report.duration_ms:,.1f} ms"
    yield f"billed {report.billed_ms:,} ms"
    used = "" if report.max_memory_mb is None else f"{report.max_memory_mb:,} of "
    yield f"{used}{report.memory_size_mb:,} MB"
    if report.init_ms is not None:
        yield f"init {report.init_ms:,.0f} ms"
    if report.status is not None:
        yield f"status {report.status}"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
