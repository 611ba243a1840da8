"""Functions that break, one after the other: what the caller gets, and what stays of them.

Usage: python bench/local_faults.py [INVOCATIONS]
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter

from local_lambda import blank_pipeline, resident_mb
from tests.local.faults import FAULTS, Remains, faulty_function


def main(invocations: int = 1000) -> None:
    """Print the counts, and the open files, processes, folders and memory before and after."""
    right, wrong, began = Counter[str](), Counter[str](), time.monotonic()
    with blank_pipeline() as pipeline:
        with faulty_function(pipeline) as (invoke, faults):
            for fault in faults:
                invoke(fault)
        before, before_mb = Remains.now(), resident_mb()
        with faulty_function(pipeline) as (invoke, faults):
            for fault in itertools.islice(itertools.cycle(faults), invocations):
                result = invoke(fault)
                (right if FAULTS[fault](result) else wrong)[fault] += 1
                if wrong[fault] == 1 and not FAULTS[fault](result):
                    print(f"{fault}: {result}"[:1000])
        time.sleep(1)
        after, after_mb = Remains.now(), resident_mb()
    print(f"{invocations} invocations in {time.monotonic() - began:.0f} s")
    for fault in faults:
        print(f"  {fault:15} {right[fault]:4} as in the service, {wrong[fault]:4} not")
    print(f"  before: {before}, {before_mb:.0f} MB\n  after:  {after}, {after_mb:.0f} MB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
