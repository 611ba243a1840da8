"""The speed of a compiled pipeline, measured for its ``meta.json``; the function derives its limits from it."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from typing import Any

from spacy.language import Language

from spacy_lambda.runtime.cpus import cpu_share
from spacy_lambda.runtime.speed import Speed, count_units, unit_of

__all__ = ["measure_speed"]

REPEATS = 3
"""Measurements of each text; the minimum counts, because other processes only slow them down."""

LONG_REPEATS, LONG = 2, 0.5
"""Measurements of a text that takes long, and the seconds that are long."""


def measure_speed(nlp: Language, texts: Sequence[str]) -> dict[str, Any]:
    """Time a loaded pipeline for its metadata; a second of texts is enough.

    :param texts: Texts like those that it will process.
    """
    docs = [nlp.make_doc(text) for text in texts if text.strip()]
    units = sum(count_units(nlp, doc) for doc in docs) or 1
    if docs:
        nlp(docs[0].text)  # objects that are created at the first use
    seconds = sum(_shortest(nlp, doc.text) for doc in docs)
    cpus = cpu_share()
    characters = sum(len(doc.text) for doc in docs)
    alone = Speed("tokens", 1.0, 1.0).on(cpus)
    return {
        "unit": unit_of(nlp),
        "seconds_per_1000_units": round(1000 * seconds / units / alone, 6),
        "seconds_per_1000_characters": round(1000 * seconds / max(characters, 1) / alone, 6),
        "texts": len(docs),
        "cpus": round(cpus, 2),
        "machine": f"{platform.machine()} {_cpu_model()}".strip(),
    }


def _shortest(nlp: Language, text: str) -> float:
    first = _timed(nlp, text)
    repeats = REPEATS if first < LONG else LONG_REPEATS
    return min(first, *(_timed(nlp, text) for _ in range(repeats - 1)))


def _timed(nlp: Language, text: str) -> float:
    began = time.perf_counter()
    nlp(text)
    return time.perf_counter() - began


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return ""
