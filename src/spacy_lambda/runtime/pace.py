"""The time that texts take: estimated before they run, corrected by those that have run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc

from spacy_lambda.runtime.capacity import Capacity
from spacy_lambda.runtime.doc_values import Json
from spacy_lambda.runtime.long_text import Segment
from spacy_lambda.runtime.telemetry.observation import TextCounts
from spacy_lambda.runtime.tokenizing import TokenizingCost

__all__ = ["Job", "Pace"]


@dataclass
class Job:
    """A segment of a text in progress.

    :param request: The number of its request.
    :param text: The number of its text in that request.
    """

    request: int
    text: int
    segment: Segment
    cost: TokenizingCost
    doc: Doc | None = None
    units: int = 0
    prediction: Json = None
    counts: TextCounts | None = None


class Pace:
    """The time of the segments so far, against the estimate.

    :param capacity: Capacity of the execution environment.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._took_s, self._units, self._texts = 0.0, 0, 0

    def add(self, jobs: Sequence[Job], took_s: float) -> None:
        """Count segments that have run."""
        self._took_s += took_s
        self._units += sum(job.units for job in jobs)
        self._texts += len(jobs)

    def observe(self) -> None:
        """Report the time of all segments that have run to the capacity."""
        self._capacity.observe(self._units, self._texts, self._took_s)

    def fits(self, jobs: Sequence[Job]) -> bool:
        """Return whether segments can run in the time that is left."""
        return self.seconds(jobs) * self._slower <= self._capacity.remaining_s

    def extrapolated(self, jobs: Sequence[Job]) -> float:
        """Extrapolate the time for all texts from those that are tokenized."""
        seen = [job for job in jobs if job.doc is not None]
        characters, seen_characters = (sum(len(job.segment.text) for job in some) for some in (jobs, seen))
        return self.seconds(seen) * characters / seen_characters if seen_characters else 0.0

    def seconds(self, jobs: Iterable[Job]) -> float:
        """Return the estimate for segments."""
        return sum(self._capacity.seconds(job.units) for job in jobs)

    @property
    def _slower(self) -> float:
        """Ratio of the time so far to the estimate, at least 1."""
        expected = self._capacity.seconds(self._units, self._texts)
        return max(1.0, self._took_s / expected) if expected and self._texts else 1.0

    def chunks(self, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        """Yield segments in chunks, between which the time is checked."""
        chunk: list[Job] = []
        units = 0
        for job in jobs:
            if chunk and units + job.units > self._capacity.chunk_units / self._slower:
                yield chunk
                chunk, units = [], 0
            chunk.append(job)
            units += job.units
        if chunk:
            yield chunk

    def estimates(self, jobs: Sequence[Job]) -> Iterator[tuple[Job | None, float]]:
        """Yield each text to be tokenized next, with the minimum time for all of them as far as it is known then."""
        smallest = self._capacity.smallest_s
        needed = smallest * len(jobs)
        for job in jobs:
            yield job, needed
            needed += max(0.0, self._capacity.seconds(job.units) - smallest)
        yield None, needed
