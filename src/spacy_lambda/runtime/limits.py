"""Limits of a request, so that the function responds before its timeout and within its memory."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

from spacy_lambda.core.env_names import MAX_TEXT_VARIABLE, MAX_TEXTS_VARIABLE, MAX_TOTAL_VARIABLE
from spacy_lambda.runtime.speed import Speed

__all__ = [
    "MAX_SLOWNESS",
    "Limits",
    "derive_limits",
    "reserve_s",
    "setting",
]

REQUEST_SHARE = 0.8
"""Share of the timeout for one request."""

TEXT_SHARE = 1 / 40
TEXT_S = 0.8
"""Seconds for one text: a fortieth of the timeout, but not less than these. Longer texts hold up all others. In
unusual texts, a wordpiece takes up to a third longer, with windows of 512 wordpieces."""

MIN_UNITS = 2048
"""Wordpieces or tokens of a text that are always accepted: some pages, for a large encoder in fp32 on one CPU too. Only
the request's share of the timeout takes precedence."""

MAX_SLOWNESS = 1.5
"""Maximum ratio of the real time to the expected time of an environment; at this ratio, all texts still end in time."""

MAX_TEXTS = 10_000
MEMORY_SHARE = 0.5
"""Share of the memory that the loaded pipeline leaves free, for one text; and for the tokens of all texts."""

BYTES_PER_CHARACTER = 100
"""Memory for each character of a tokenized text: a token takes some hundred bytes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Limits of a request.

    :param text_characters: Characters of a text.
    :param texts: Texts.
    :param total_characters: Characters of all texts.
    :param text_units: Wordpieces or tokens of a text, whatever its characters.
    """

    text_characters: int
    texts: int
    total_characters: int
    text_units: int


def derive_limits(
    speed: Speed,
    environ: Mapping[str, str],
    *,
    cpus: float,
    timeout_s: float,
    free_bytes: float,
    bytes_per_unit: float,
    max_length: int,
) -> Limits:
    """Return the limits of a function; the environment overrides what is derived.

    :param speed: The pipeline's.
    :param cpus: CPUs of the function, or a part of one.
    :param timeout_s: The function's timeout.
    :param free_bytes: Memory that the loaded pipeline leaves.
    :param bytes_per_unit: Memory that a wordpiece or token takes.
    :param max_length: The pipeline's own limit for a text.
    """
    unit_s = speed.on(cpus)
    request_s = REQUEST_SHARE * timeout_s
    text_s = min(request_s, max(TEXT_S, timeout_s * TEXT_SHARE, MIN_UNITS * unit_s))
    units = max(1, int(min(text_s / unit_s, MEMORY_SHARE * free_bytes / bytes_per_unit)))
    configured = setting(environ, MAX_TEXT_VARIABLE)
    text = configured or min(max_length, rounded(units * speed.characters_per_unit))
    longest_total = min(request_s / unit_s * speed.characters_per_unit, MEMORY_SHARE * free_bytes / BYTES_PER_CHARACTER)
    total = setting(environ, MAX_TOTAL_VARIABLE) or max(text, rounded(longest_total))
    texts = setting(environ, MAX_TEXTS_VARIABLE) or min(
        MAX_TEXTS, rounded(request_s / (MAX_SLOWNESS * speed.smallest(cpus)))
    )
    # A configured limit in characters applies to all characters alike.
    return Limits(text, texts, total, max(units, configured or 0))


def rounded(value: float) -> int:
    """Round a number down to two significant digits, to at least 1."""
    if value < 100:
        return max(1, int(value))
    step = 10 ** (int(math.log10(value)) - 1)
    return int(value // step * step)


def setting(environ: Mapping[str, str], name: str) -> int | None:
    """Return a limit of the environment; an invalid one is logged, and the default applies."""
    value = environ.get(name, "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit() and int(value[:12]) > 0:
        return int(value[:12])
    _log.warning("%s is ignored: %r is not an integer of 1 or more", name, value[:40])
    return None


def reserve_s(timeout_s: float) -> float:
    """Return the seconds before the timeout that are reserved for writing the response."""
    return min(0.5, timeout_s / 10)
