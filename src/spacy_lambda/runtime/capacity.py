"""Capacity of the execution environment: its limits, its speed, and the time left in an invocation."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from spacy.language import Language

from spacy_lambda.core.compiled_meta import META_KEY
from spacy_lambda.core.env_names import MEMORY_SIZE_VARIABLE
from spacy_lambda.core.lambda_function import DEFAULT_TIMEOUT_S
from spacy_lambda.runtime.cpus import cpu_share
from spacy_lambda.runtime.limits import MAX_SLOWNESS, Limits, derive_limits, reserve_s
from spacy_lambda.runtime.speed import Speed, read_speed
from spacy_lambda.runtime.tokenizing import Tokenizing, TokenizingCost

__all__ = ["Capacity"]

CHUNK_S = 0.5
"""Seconds of work between two checks of the remaining time."""

MIN_OBSERVED_S = 0.05
"""Expected seconds of work above which the real time is recorded."""

MIN_SLOWNESS = 0.5
RECENT_REQUESTS = 9
"""Number of recent requests whose median slowness counts: it changes when five of them do."""

SLOW_SHARE = 1 / 15
"""Share of the timeout for the texts of a request that are slow to tokenize, all of them."""

COPIES = 6
"""Maximum copies of a hidden state: the encoder's, the windows' together, the tokens', and those of a component."""

BASE_BYTES = 2048
DEFAULT_WIDTH = 768


class Capacity:
    """The capacity of one execution environment; it learns the timeout and the real speed from invocations.

    :param nlp: The loaded pipeline.
    :param environ: The environment variables.
    """

    def __init__(self, nlp: Language, environ: Mapping[str, str]) -> None:
        self._nlp = nlp
        self._environ = environ
        self.tokenizing = Tokenizing(nlp)
        self._timeout_s: float | None = None
        self._deadline = math.inf
        self._observed = deque([1.0] * RECENT_REQUESTS, maxlen=RECENT_REQUESTS)
        self._speed: Speed | None = None
        self._limits: Limits | None = None
        self._cpus = 1.0

    def begin(self, context: Any) -> None:
        """Begin an invocation.

        The timeout is the maximum time left at the beginning of any invocation: the first one may have begun late.

        :param context: Lambda's; without its clock the time left is unknown, and no request is refused because of it.
        """
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        if remaining is None:
            self._deadline = math.inf
            return
        left_s = remaining() / 1000
        self._deadline = time.monotonic() + left_s
        timeout_s = math.ceil(left_s)
        if self._timeout_s is None or timeout_s > self._timeout_s:
            self._timeout_s, self._limits = timeout_s, None

    @property
    def timeout_s(self) -> float:
        """The function's timeout, as far as it is known."""
        return self._timeout_s or DEFAULT_TIMEOUT_S

    @property
    def remaining_s(self) -> float:
        """Seconds left for predictions; the rest is reserved for writing the response."""
        return self._deadline - time.monotonic() - reserve_s(self.timeout_s)

    @property
    def speed(self) -> Speed:
        """The pipeline's speed, as its metadata has it."""
        if self._speed is None:
            self._speed, self._cpus = read_speed(self._nlp), cpu_share(self._environ)
        return self._speed

    @property
    def limits(self) -> Limits:
        """The limits of a request. A limit above the pipeline's ``max_length`` raises that."""
        if self._limits is None:
            speed = self.speed
            self._limits = derive_limits(
                speed,
                self._environ,
                cpus=self._cpus,
                timeout_s=self.timeout_s,
                free_bytes=_free_bytes(self._environ),
                bytes_per_unit=BASE_BYTES + 4 * COPIES * _width(self._nlp),
                max_length=self._nlp.max_length,
            )
            self._nlp.max_length = max(self._nlp.max_length, self._limits.text_characters)
        return self._limits

    @property
    def seconds_per_unit(self) -> float:
        """Seconds for each wordpiece or token: as expected, times the slowness."""
        return self.slowness * self.speed.on(self._cpus)

    @property
    def slowness(self) -> float:
        """Real time by expected time: the median of the last requests, within bounds.

        No request decides, so that an unexpectedly slow text does not make later requests fail.
        """
        return min(MAX_SLOWNESS, max(MIN_SLOWNESS, median(self._observed)))

    @property
    def max_slow_s(self) -> float:
        """Maximum seconds for tokenizing the slow texts of a request."""
        return SLOW_SHARE * self.timeout_s

    @property
    def chunk_units(self) -> float:
        """Units of work between two checks of the remaining time."""
        return CHUNK_S / self.seconds_per_unit

    @property
    def smallest_s(self) -> float:
        """Estimate of the time for a text of one letter."""
        return self.slowness * self.speed.smallest(self._cpus)

    def seconds(self, units: float, texts: int = 1) -> float:
        """Estimate the time for some work.

        :param units: Wordpieces or tokens.
        :param texts: The number of texts that have them.
        """
        return self.slowness * self.speed.seconds(units, texts, self._cpus)

    def tokenizing_seconds(self, cost: TokenizingCost) -> float:
        """Estimate the time for tokenizing a text, beyond its length."""
        return self.tokenizing.seconds(cost) / min(1.0, self._cpus)

    def observe(self, units: float, texts: int, seconds: float) -> None:
        """Record the time that the work of an invocation took, as one measurement."""
        expected = self.speed.seconds(units, texts, self._cpus)
        if expected >= MIN_OBSERVED_S:
            self._observed.append(seconds / expected)

    def refuse(self) -> None:
        """Record a refusal due to lack of time, because without predictions nothing else would correct the estimate."""
        self._observed.append(1.0)


def _width(nlp: Language) -> int:
    encoders = (nlp.meta.get(META_KEY) or {}).get("encoders") or {}
    try:
        return max((int(encoder["width"]) for encoder in encoders.values()), default=DEFAULT_WIDTH)
    except (TypeError, KeyError, ValueError, AttributeError):
        return DEFAULT_WIDTH


def _free_bytes(environ: Mapping[str, str]) -> float:
    """Return the memory of the function that this process does not have yet; infinite if unknown."""
    memory = environ.get(MEMORY_SIZE_VARIABLE, "")
    if not memory.isdigit():
        return math.inf
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        used = pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        used = 256 << 20
    return max(32 << 20, (int(memory) << 20) - used)
