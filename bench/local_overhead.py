"""Milliseconds that the local Lambda adds to an invocation: those of a function that does nothing, from the caller.

Usage: python bench/local_overhead.py [INVOCATIONS]
"""

from __future__ import annotations

import statistics
import sys
import time

from local_lambda import ROOT, Caller, blank_pipeline

from spacy_lambda.local import FunctionSettings, LocalLambda

GOAL_MS = 3.0


def main(invocations: int = 1000) -> None:
    """Print the median and the 95th percentile."""
    with blank_pipeline() as pipeline:
        settings = FunctionSettings(
            pipeline=pipeline, code=ROOT / "tests/local/code", handler="faults.handler", max_concurrency=1
        )
        with LocalLambda(settings, log=lambda number, line: None) as function:
            call, found = Caller(function.endpoint_url), []
            for number in range(invocations + 50):
                began = time.perf_counter()
                assert call({"do": "nothing"})
                if number >= 50:
                    found.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(found, n=20)[-1]
    print(f"local Lambda: {statistics.median(found):.2f} ms per invocation at the median, {p95:.2f} ms at p95")
    print(f"goal: at most {GOAL_MS:g} ms at the median, on a machine that does nothing else")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
