"""Trying again: the one place in which the client does."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TypeVar

from spacy_lambda.client.call_errors import CallFailed
from spacy_lambda.client.deadline import Deadline

__all__ = ["Retry"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Exponential backoff with full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.

    A prediction changes nothing, so it is safe to ask for it twice, even where the first answer was only lost.

    :param max_attempts: Calls at most, the first one too.
    :param base_s: Before the second call, up to this many seconds pass; each time twice as many.
    :param cap_s: Up to so many at most. Who asks in ``Retry-After`` for more than three times that is not waited for,
        nor who asks for more than is left of the call's time.
    :param sleep: Waits; by default until the time is over, or the call is not wanted any more.
    :param jitter: A number from 0 to 1.
    :param clock: Seconds since 1970, for a ``Retry-After`` that is a date.
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
        may_repeat: Callable[[CallFailed], bool] = lambda failed: True,
    ) -> T:
        """Call until there is an answer.

        :param deadline: After which it is not called again.
        :param may_repeat: Whether the same call is to be made again after this.
        :raises CallFailed: The last failure.
        """
        for attempt in count(1):
            try:
                return call()
            except CallFailed as failed:
                wait = self._wait(attempt, failed)
                if wait is None or (deadline is not None and wait >= deadline.left) or not may_repeat(failed):
                    raise
            (self.sleep or (time.sleep if deadline is None else deadline.wait))(wait)
        raise AssertionError("count() does not end")

    def _wait(self, attempt: int, failed: CallFailed) -> float | None:
        """Seconds before the next call, or ``None`` when there is to be none."""
        if not failed.again or attempt >= self.max_attempts:
            return None
        wait = self.jitter() * min(self.cap_s, self.base_s * 2 ** (attempt - 1))
        asked = self._asked(failed.retry_after)
        return None if asked > 3 * self.cap_s else max(wait, asked)

    def _asked(self, retry_after: str | None) -> float:
        """https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""
        if not retry_after:
            return 0.0
        try:
            if retry_after.strip().isdecimal():
                return float(retry_after)
            return max(0.0, parsedate_to_datetime(retry_after).timestamp() - self.clock())
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
