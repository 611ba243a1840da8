"""The local Lambda at full load with two environments: errors, and the growth of the server's memory.

Usage: python bench/local_load.py [MINUTES]
"""

from __future__ import annotations

import sys
import threading
import time

from local_lambda import ROOT, Caller, blank_pipeline, resident_mb

from spacy_lambda.local import FunctionSettings, LocalLambda

GOAL_MB = 10
WARM_S = 20
CALLERS = 2


def main(minutes: float = 10) -> None:
    """Print the figures."""
    counts, failed, stop = [0] * CALLERS, [0] * CALLERS, threading.Event()

    def work(number: int, endpoint: str) -> None:
        call = Caller(endpoint)
        while not stop.is_set():
            failed[number] += not call({"do": "nothing"})
            counts[number] += 1

    with blank_pipeline() as pipeline:
        settings = FunctionSettings(
            pipeline=pipeline, code=ROOT / "tests/local/code", handler="faults.handler", max_concurrency=CALLERS
        )
        with LocalLambda(settings, log=lambda number, line: None) as function:
            threads = [threading.Thread(target=work, args=(number, function.endpoint_url)) for number in range(CALLERS)]
            for thread in threads:
                thread.start()
            time.sleep(min(WARM_S, minutes * 30))
            before = resident_mb()
            time.sleep(minutes * 60)
            after = resident_mb()
            stop.set()
            for thread in threads:
                thread.join()
    print(f"{sum(counts)} invocations in {minutes:g} minutes, {sum(failed)} errors")
    print(f"memory of the server: {before:.1f} MB, then {after:.1f} MB; goal: less than {GOAL_MB} MB more")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
