"""Retries of transient failures: the only place in which the client retries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TypeVar

from spacy_lambda.client.deadline import Deadline
from spacy_lambda.client.transport import CallError

__all__ = ["Retry"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Exponential backoff with full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.

    A prediction changes nothing, so a retry is safe even if only the first response was lost.

    :param max_attempts: Maximum calls, including the first.
    :param base_s: Maximum seconds before the second call; doubled before each further one.
    :param cap_s: Maximum seconds before any call. A ``Retry-After`` of more than three times that, or of more than is
        left of the call's time, ends the retries.
    :param sleep: Waits; by default until the time is over or the call is ended.
    :param jitter: Returns a number from 0 to 1.
    :param clock: Returns the seconds since 1970, for a ``Retry-After`` that is a date.
    """

    max_attempts: int = 5
    base_s: float = 0.2
    cap_s: float = 20.0
    sleep: Callable[[float], object] | None = None
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.time

    def run(
        self,
        call: Callable[[], T],
        *,
        deadline: Deadline | None = None,
        may_repeat: Callable[[CallError], bool] = lambda failed: True,
    ) -> T:
        """Call until there is a response. If the time is up during a retry, the failure before it says more.

        :param call: The call.
        :param deadline: The time after which there are no more calls.
        :param may_repeat: Returns whether the same call may be retried after a failure.
        :raises CallError: The last failure.
        """
        before: CallError | None = None
        for attempt in count(1):
            try:
                return call()
            except CallError as failed:
                if before is not None and deadline is not None and deadline.is_over:
                    raise before from before.__cause__
                before = failed
                wait = self._wait(attempt, failed)
                if wait is None or (deadline is not None and wait >= deadline.left) or not may_repeat(failed):
                    raise
            (self.sleep or (time.sleep if deadline is None else deadline.wait))(wait)
        raise AssertionError("count() does not end")

    def _wait(self, attempt: int, failed: CallError) -> float | None:
        """Return the seconds before the next call, or ``None`` if there is none."""
        if not failed.retryable or attempt >= self.max_attempts:
            return None
        wait = self.jitter() * min(self.cap_s, self.base_s * 2 ** (attempt - 1))
        requested = self._requested(failed.retry_after)
        return None if requested > 3 * self.cap_s else max(wait, requested)

    def _requested(self, retry_after: str | None) -> float:
        """Return the seconds of ``Retry-After``: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after."""
        if not retry_after:
            return 0.0
        try:
            if retry_after.strip().isdecimal():
                return float(retry_after)
            return max(0.0, parsedate_to_datetime(retry_after).timestamp() - self.clock())
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
