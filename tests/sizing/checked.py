"""Figures and functions that are checked, and the statuses of findings."""

from __future__ import annotations

import json
from typing import Any

from spacy_lambda.client.invocation import FunctionError, Invocation
from spacy_lambda.sizing import Figures, LimitFinding


def figures(*, init_s: float = 2.0, ms: float = 100.0, peak_mb: int | None = 300) -> Figures:
    return Figures(init_s=init_s, ms=ms, peak_mb=peak_mb, cpus=1.0, source="1 text")


def statuses(found: list[LimitFinding]) -> dict[str, str]:
    return {one.name: one.status for one in found}


class FakeFunction:
    """A function with a limit of its own, whose responses have ten bytes for each character."""

    def __init__(self, own: int, *, breaks_at: int = 10**9) -> None:
        self.own, self.breaks_at, self.sent = own, breaks_at, list[int]()

    def invoke(self, event: Any) -> Invocation:
        error = None
        if "rawPath" in event:
            answer: Any = {"statusCode": 200, "body": json.dumps({"limits": {"characters_per_text": self.own}})}
        else:
            length = len(event["text"])
            self.sent.append(length)
            answer = 10 * length * "x"
            if length > self.breaks_at:
                error = FunctionError(error_type="Sandbox.Timedout", message="Task timed out after 30.00 seconds")
        return Invocation(answer=answer, error=error, status=200, executed_version="1", request_id="1", log_tail="")
