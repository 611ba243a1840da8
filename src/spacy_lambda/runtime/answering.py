"""Requests -> answers, within the limits of the execution environment.

::

    requests ──check──▶ texts, none too hard ──tokenize──▶ Docs, none too large ──chunk by chunk──▶ answers

Nothing is processed of a request that is refused. Between chunks it looks at the clock: what cannot end in time is an
error in time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import OutOfTimeError, RequestError
from .answers import Json, answer_doc
from .capacity import Capacity
from .payload import check_estimate
from .requests import Request, combined
from .scores import EntitySource, entity_source
from .speed import count_units, guess_units, most_units
from .splitting import Piece, merge_answers, split_text
from .telemetry.observation import TextCounts, add_counts, count_text
from .tokenizing import Hardness

__all__ = ["Answered", "answer_all"]

PIPED = 2
"""Texts from which on :meth:`Language.pipe` is used."""


@dataclass
class _Job:
    """A piece of a text on its way.

    :param request: The number of its request.
    :param text: The number of its text in that.
    """

    request: int
    text: int
    piece: Piece
    hard: Hardness
    doc: Doc | None = None
    units: int = 0
    answer: Json = None
    counts: TextCounts | None = None


@dataclass
class Answered:
    """What came of requests.

    :param outcomes: For each request its answer, or the exception that it ends with.
    :param counts: Of every text that was answered.
    """

    outcomes: list[Any]
    counts: list[TextCounts] = field(default_factory=list)


def answer_all(
    nlp: Language, requests: Sequence[Request], capacity: Capacity, *, answer_bytes: float, alone: bool = False
) -> Answered:
    """Answer several requests, all their texts together; and count each text.

    The Docs live in a memory zone: the strings of one request do not stay in the vocabulary of a process that
    answers for hours (https://spacy.io/api/language#memory_zone).

    :param answer_bytes: What an answer may take.
    :param alone: Whether what goes wrong is raised as it is: there is only one request.
    """
    work = _Work(nlp, requests, capacity, answer_bytes, alone)
    work.check()
    with _memory_zone(nlp):
        work.tokenize()
        work.run()
    return work.answered()


class _Work:
    def __init__(
        self, nlp: Language, requests: Sequence[Request], capacity: Capacity, answer_bytes: float, alone: bool
    ) -> None:
        self._nlp = nlp
        self._requests = requests
        self._capacity = capacity
        self._answer_bytes = answer_bytes
        self._alone = alone
        self._failed: dict[int, Exception] = {}
        self._jobs: list[_Job] = []
        plain = all(request.shape == "ents" for request in requests)
        self._source: EntitySource = "ents" if plain else entity_source(nlp)

    def check(self) -> None:
        """Refuse requests with texts that are too hard to tokenize; outside of the memory zone."""
        tokenizing, steps_s = self._capacity.tokenizing, 0.0
        for number, request in enumerate(self._requests):
            jobs = [
                _Job(number, index, piece, tokenizing.hardness(piece.text))
                for index, text in enumerate(request.texts)
                for piece in self._pieces(text, request)
            ]
            faults = [tokenizing.check(request.key(job.text), job.hard) for job in jobs]
            self._refuse(number, [fault for fault in faults if fault])
            own_s = self._capacity.seconds(0, sum(tokenizing.seconds(job.hard) for job in jobs))
            if number not in self._failed and own_s and steps_s + own_s > self._capacity.remaining_s:
                self._fail(number, _out_of_time(request))
            if number not in self._failed:
                self._jobs += jobs
                steps_s += own_s

    def tokenize(self) -> None:
        """Tokenize every text, and refuse requests whose texts are more than this function can bear."""
        for number, jobs in _by_request(self._jobs):
            request, faults = self._requests[number], list[RequestError]()
            try:
                for job in jobs:
                    fault = self._tokenized(job, request)
                    faults += [fault] if fault else []
                self._refuse(number, faults)
                tokens = sum(len(job.doc) for job in jobs if job.doc is not None)
                check_estimate(request, tokens, self._answer_bytes)
                if self._alone:
                    self._check_time(jobs, request)
            except Exception as exc:
                self._fail(number, exc)
        self._jobs = [job for job in self._jobs if job.request not in self._failed]

    def run(self) -> None:
        """Run the pipeline chunk by chunk, as long as there is time."""
        for chunk in self._chunks():
            jobs = [job for job in chunk if job.request not in self._failed]
            if self._seconds(jobs) > self._capacity.remaining_s:
                for number, _ in _by_request(jobs):
                    self._fail(number, _out_of_time(self._requests[number]))
                continue
            try:
                self._run(jobs)
            except Exception as exc:  # whatever the pipeline's own code raises
                self._run_each(jobs, exc)

    def answered(self) -> Answered:
        """Put the pieces together again."""
        found = Answered([self._failed.get(number, []) for number in range(len(self._requests))])
        for number, jobs in _by_request(self._jobs):
            if number in self._failed:
                continue
            for _, group in groupby(jobs, key=lambda job: job.text):
                parts = list(group)
                found.outcomes[number].append(
                    merge_answers([job.piece for job in parts], [job.answer for job in parts])
                )
                found.counts.append(add_counts([job.counts for job in parts if job.counts is not None]))
        for number, request in enumerate(self._requests):
            if request.single and number not in self._failed:
                found.outcomes[number] = found.outcomes[number][0]
        return found

    def _pieces(self, text: str, request: Request) -> list[Piece]:
        if not request.split:
            return [Piece(text, 0)]
        return split_text(text, self._capacity.tokenizing.piece_limit(self._capacity.limits.text))

    def _tokenized(self, job: _Job, request: Request) -> RequestError | None:
        text = job.piece.text
        try:
            job.doc = self._capacity.tokenizing.make_doc(text, job.hard)
        except RequestError as exc:
            key = request.key(job.text)
            return RequestError(f'"{key}": {exc.message}', remedy=exc.remedy, key=key, status=exc.status)
        limits = self._capacity.limits
        if most_units(self._nlp, text) <= limits.units:
            job.units = guess_units(self._nlp, job.doc)
            return None
        job.units = count_units(self._nlp, job.doc)
        if request.split or job.units <= limits.units:
            return None
        return RequestError(
            f'"{request.key(job.text)}" makes {job.units:,} {self._capacity.speed.unit}; the limit is {limits.units:,}',
            remedy='split the text and send the parts, or send "long_text": "split"',
            key=request.key(job.text),
            status=413,
        )

    def _check_time(self, jobs: Sequence[_Job], request: Request) -> None:
        needed, left = self._seconds(jobs), self._capacity.remaining_s
        if needed > left:
            raise _out_of_time(request, f"takes about {needed:,.1f} s; the limit is {max(left, 0):,.1f}")

    def _seconds(self, jobs: Iterable[_Job]) -> float:
        return sum(self._capacity.seconds(job.units) for job in jobs)

    def _chunks(self) -> Iterator[list[_Job]]:
        chunk: list[_Job] = []
        units, most = 0, self._capacity.chunk_units
        for job in self._jobs:
            if chunk and units + job.units > most:
                yield chunk
                chunk, units = [], 0
            chunk.append(job)
            units += job.units
        if chunk:
            yield chunk

    def _run(self, jobs: Sequence[_Job]) -> None:
        docs = [job.doc for job in jobs if job.doc is not None]
        began = time.perf_counter()
        piped: Iterable[Doc] = self._nlp.pipe(docs) if len(docs) >= PIPED else map(self._nlp, docs)
        for job, doc in zip(jobs, piped, strict=True):
            job.answer = answer_doc(doc, self._requests[job.request], self._source)
            job.counts = count_text([doc])
            job.doc = None
        self._capacity.observe(sum(job.units for job in jobs), time.perf_counter() - began)

    def _run_each(self, jobs: Sequence[_Job], error: Exception) -> None:
        """Find which of several requests failed; Docs that were half processed are made anew."""
        if self._alone:
            raise error
        for number, own in _by_request(jobs):
            try:
                for job in own:
                    job.doc = self._capacity.tokenizing.make_doc(job.piece.text, job.hard)
                self._run(own)
            except Exception as exc:
                self._fail(number, exc)

    def _refuse(self, number: int, faults: Sequence[RequestError]) -> None:
        if faults:
            self._fail(number, combined(faults))

    def _fail(self, number: int, error: Exception) -> None:
        if self._alone:
            raise error
        # Without its frames, which hold Docs whose memory zone is gone.
        self._failed.setdefault(number, error.with_traceback(None))


def _by_request(jobs: Sequence[_Job]) -> Iterator[tuple[int, list[_Job]]]:
    for number, group in groupby(jobs, key=lambda job: job.request):
        yield number, list(group)


def _out_of_time(request: Request, why: str = "cannot be answered in the time that is left") -> OutOfTimeError:
    fewer = "send less text at once" if request.single else "send fewer texts at once"
    key = request.key(0) if request.single else request.key(0).partition("[")[0]
    return OutOfTimeError(
        f'"{key}" {why}', remedy=f"{fewer}, or raise the function's timeout or memory", key=key, status=413
    )


@contextmanager
def _memory_zone(nlp: Language) -> Iterator[None]:
    """A zone that also ends when the pipeline fails: before spaCy 3.8.13, the vocabulary then kept what was freed."""
    failed: Exception | None = None
    with nlp.memory_zone():
        try:
            yield
        except Exception as exc:
            failed = exc
    if failed is not None:
        raise failed
