"""Take one measurement in a fresh process: ``worker.py (cold | handler | warm | pipe | limit | size) ...`` prints JSON.

It runs in either environment: with spaCy, spacy-transformers and torch, or with the base install of spacy-lambda.
"""

from __future__ import annotations

import json
import os
import sys
import time

STARTED = time.perf_counter()

WARM_UP = 3
WARM_CALLS = 15


def load(path: str) -> object:
    """Load the pipeline, with spacy-lambda as the function's handler does."""
    if os.environ["BENCH_PATH"] == "original":
        import spacy

        return spacy.load(path)
    from pathlib import Path

    from spacy_lambda.runtime.loading import load_pipeline

    return load_pipeline(Path(path))


def entities(doc) -> list[list[object]]:
    """Return the entities of a prediction."""
    return [[ent.text, ent.label_, ent.start_char, ent.end_char] for ent in doc.ents]


def peak_megabytes() -> float:
    """Return the peak resident memory of this process."""
    with open("/proc/self/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def read_megabytes() -> float:
    """Return the megabytes that were read from disk for this process, with read-ahead."""
    with open("/proc/self/io", encoding="ascii") as counts:
        line = next(line for line in counts if line.startswith("read_bytes"))
    return int(line.split()[1]) / 1e6


def cold(path: str, text: str) -> dict[str, object]:
    """Time import, load and first prediction; the caller knows when the process was started."""
    nlp = load(path)
    loaded = time.perf_counter()
    found = entities(nlp(text))
    answered = time.perf_counter()
    return {
        "answered": time.monotonic(),
        "load_s": loaded - STARTED,
        "first_s": answered - loaded,
        "peak_mb": peak_megabytes(),
        "read_mb": read_megabytes(),
        "entities": len(found),
    }


def handler(path: str, text: str) -> dict[str, object]:
    """Return the function's first prediction and its time, by the clock that all processes share."""
    os.environ["SPACY_LAMBDA_PIPELINE"] = path
    from spacy_lambda.runtime import handler

    found = handler.handler({"text": text}, None)
    return {"answered": time.monotonic(), "read_mb": read_megabytes(), "answer": found}


def warm(path: str, text: str) -> dict[str, object]:
    """Time one text repeatedly, in milliseconds."""
    nlp = load(path)
    times = []
    for number in range(WARM_UP + WARM_CALLS):
        begun = time.perf_counter()
        entities(nlp(text))
        if number >= WARM_UP:
            times.append((time.perf_counter() - begun) * 1000)
    return {"ms": sorted(times)[len(times) // 2]}


def pipe(path: str, texts: list[str]) -> dict[str, object]:
    """Measure words per second through ``nlp.pipe``."""
    nlp = load(path)
    list(nlp.pipe(texts[:8]))
    begun = time.perf_counter()
    words = sum(len(doc) for doc in nlp.pipe(texts))
    return {"words_per_s": words / (time.perf_counter() - begun)}


def limit(path: str, payload: list[str]) -> dict[str, float]:
    """Time the integer products of a compiled pipeline alone, and its whole encoder, on one text."""
    from pathlib import Path

    from int8_limit import time_products

    file, text = payload
    return time_products(load(path), Path(file), text)


def size(root: str) -> dict[str, object]:
    """Sum the installed megabytes of a distribution and its dependencies."""
    from importlib.metadata import PackageNotFoundError, distribution
    from pathlib import Path

    from packaging.requirements import Requirement

    waiting, seen, total = [root], set(), 0
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform
        for file in found.files or []:
            place = Path(str(file.locate()))
            total += place.stat().st_size if place.is_file() else 0
        for text in found.requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return {"installed_mb": total / 1e6, "distributions": len(seen)}


if __name__ == "__main__":
    what, path = sys.argv[1:3]
    if what == "size":
        result = size(path)
    else:
        texts = json.load(sys.stdin)
        result = {"cold": cold, "handler": handler, "warm": warm, "pipe": pipe, "limit": limit}[what](path, texts)
    print(json.dumps(result))
