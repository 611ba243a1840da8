"""The function of the benches of the local Lambda, and a caller that costs hardly any time."""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import spacy

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
INVOKE = "/2015-03-31/functions/function/invocations"


@contextmanager
def blank_pipeline() -> Iterator[Path]:
    """Yield the folder of a pipeline that does nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        spacy.blank("xx").to_disk(Path(scratch, "pipeline"))
        yield Path(scratch, "pipeline")


class Caller:
    """One connection to a function."""

    def __init__(self, endpoint_url: str) -> None:
        self._connection = http.client.HTTPConnection(endpoint_url.removeprefix("http://"), timeout=120)

    def __call__(self, event: object) -> bool:
        """Invoke the function.

        :returns: ``True`` if it has succeeded.
        """
        self._connection.request("POST", INVOKE, json.dumps(event))
        response = self._connection.getresponse()
        response.read()
        return response.status == 200 and response.getheader("X-Amz-Function-Error") is None


def resident_mb() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20
