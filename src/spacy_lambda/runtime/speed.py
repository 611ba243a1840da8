"""Seconds that a pipeline takes for a text, as measured when it was compiled, or estimated from its encoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.core.compiled_meta import MEMORY_PER_FILE_BYTE, META_KEY
from spacy_lambda.core.vcpus import slowdown
from spacy_lambda.runtime.private_transformer import find_transformers

__all__ = ["SPEED_KEY", "Speed", "count_units", "read_speed", "unit_of"]

SPEED_KEY = "speed"
"""Key of the speed in ``meta["spacy_lambda"]``."""

Unit = Literal["wordpieces", "tokens"]

CHARACTERS_PER_UNIT: Mapping[Unit, float] = {"wordpieces": 3.2, "tokens": 5.4}
"""Characters of English text for each unit; wordpieces in two windows count twice."""

SECONDS_PER_BYTE = 8e-12
"""Seconds for each byte of an encoder's weights in memory and each wordpiece, on one CPU of 2020 or later; at every
precision."""

BASE_SECONDS = 2e-5
SECONDS_PER_TOKEN = 6e-5
UNKNOWN_BYTES = 110_000_000
"""An encoder of BERT's base size, in int8."""

SMALLEST: Mapping[Unit, int] = {"wordpieces": 3, "tokens": 1}
"""Units of a text of one letter: a wordpiece stands between two special ones."""

SECONDS_PER_TEXT = 0.002
"""Seconds of a text beyond its length, on one CPU."""

MARGIN = 1.5
"""Maximum ratio of a function's CPU time to a measurement's."""

BUSY_RATIO = 3
"""Ratio of a measurement to the estimate above which the machine was busy."""


@dataclass(frozen=True)
class Speed:
    """The speed of a pipeline.

    :param unit: The unit of the time: wordpieces as often as the encoder sees them, or tokens without an encoder.
    :param seconds_per_unit: Seconds for a unit on one CPU.
    :param characters_per_unit: Characters of English text in a unit.
    """

    unit: Unit
    seconds_per_unit: float
    characters_per_unit: float

    def on(self, cpus: float) -> float:
        """Return the seconds per unit with the given number of CPUs, or with a part of one."""
        return self.seconds_per_unit * slowdown(cpus)

    def seconds(self, units: float, texts: int, cpus: float) -> float:
        """Return the seconds for the given numbers of units and texts."""
        return units * self.on(cpus) + texts * SECONDS_PER_TEXT / min(1.0, cpus)

    def smallest(self, cpus: float) -> float:
        """Return the seconds for a text of one letter."""
        return self.seconds(SMALLEST[self.unit], 1, cpus)


def unit_of(nlp: Language) -> Unit:
    """Return the unit of a pipeline's time."""
    return "wordpieces" if find_transformers(nlp) else "tokens"


def read_speed(nlp: Language) -> Speed:
    """Return the speed in a pipeline's metadata, or an estimate that is rather too slow."""
    meta = nlp.meta.get(META_KEY) or {}
    unit = unit_of(nlp)
    measured, estimated = meta.get(SPEED_KEY) or {}, _estimated(meta, unit)
    try:
        seconds = MARGIN * float(measured["seconds_per_1000_units"]) / 1000
        if measured["unit"] == unit and seconds > 0:
            return Speed(unit, min(seconds, BUSY_RATIO * estimated), CHARACTERS_PER_UNIT[unit])
    except (TypeError, KeyError, ValueError):
        pass
    return Speed(unit, estimated, CHARACTERS_PER_UNIT[unit])


def _estimated(meta: Mapping[str, Any], unit: Unit) -> float:
    if unit == "tokens":
        return SECONDS_PER_TOKEN
    encoders = meta.get("encoders") or {}
    try:
        stored = sum(int(encoder["bytes"]) for encoder in encoders.values())
        size = stored * MEMORY_PER_FILE_BYTE.get(meta.get("precision", ""), 1)
    except (TypeError, KeyError, ValueError, AttributeError):
        size = 0
    return BASE_SECONDS + SECONDS_PER_BYTE * (size or UNKNOWN_BYTES)


def count_units(nlp: Language, doc: Doc, speed: Speed | None = None) -> int:
    """Return the units of a tokenized text, with which its time grows.

    A wordpiece may be thousands of tokens, such as a word that is unknown to the encoder and that spaCy splits into its
    symbols. The components behind the encoder see the tokens: those that outnumber the wordpieces count too, by the
    time that they take where there is no encoder.

    :param speed: The speed, if known; otherwise it is read.
    """
    encoders = find_transformers(nlp)
    if not encoders:
        return len(doc)
    wordpieces = sum(encoder.count_wordpieces(doc) for encoder in encoders)
    if len(doc) <= wordpieces:
        return wordpieces
    weight = SECONDS_PER_TOKEN / (speed or read_speed(nlp)).seconds_per_unit
    return wordpieces + math.ceil(min(1.0, weight) * (len(doc) - wordpieces))
