"""Requests -> predictions, within the limits of the execution environment.

::

    requests ──check──▶ texts within the bounds ──tokenize──▶ Docs within the limits ──chunk by chunk──▶ predictions

A refused request is not processed at all. The time left is checked between chunks: a request that cannot end in time
fails before the timeout.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.errors import OutOfTimeError, PipelineError, RequestError, shorten
from spacy_lambda.runtime.capacity import Capacity
from spacy_lambda.runtime.doc_values import doc_prediction
from spacy_lambda.runtime.long_text import Segment, merge_predictions, split_text
from spacy_lambda.runtime.pace import Job, Pace
from spacy_lambda.runtime.request import Request, combined
from spacy_lambda.runtime.response_size import check_estimate
from spacy_lambda.runtime.scores import EntitySource, entity_source
from spacy_lambda.runtime.speed import count_units
from spacy_lambda.runtime.telemetry.observation import TextCounts, add_counts, count_text
from spacy_lambda.runtime.text_places import in_text

__all__ = ["Predictions", "predict_all"]

MIN_PIPED_TEXTS = 2
"""Minimum number of texts for :meth:`Language.pipe`."""


@dataclass
class Predictions:
    """The predictions of several requests.

    :param outcomes: For each request its prediction, or its exception.
    :param counts: Counts of every text with a prediction.
    """

    outcomes: list[Any]
    counts: list[TextCounts] = field(default_factory=list)


def predict_all(
    nlp: Language, requests: Sequence[Request], capacity: Capacity, *, response_bytes: float, raise_errors: bool = False
) -> Predictions:
    """Predict several requests, all their texts together, and count each text.

    The Docs live in a memory zone: the strings of one request do not stay in the vocabulary of a process that
    runs for hours (https://spacy.io/api/language#memory_zone).

    :param response_bytes: Maximum bytes of a response.
    :param raise_errors: Raise the first error of a request instead of returning it: for a request by itself.
    """
    work = _Work(nlp, requests, capacity, response_bytes, raise_errors)
    work.check()
    with _memory_zone(nlp):
        work.tokenize()
        work.run()
    return work.predictions()


class _Work:
    def __init__(
        self, nlp: Language, requests: Sequence[Request], capacity: Capacity, response_bytes: float, raise_errors: bool
    ) -> None:
        self._nlp = nlp
        self._requests = requests
        self._capacity = capacity
        self._response_bytes = response_bytes
        self._raise_errors = raise_errors
        self._failed: dict[int, Exception] = {}
        self._jobs: list[Job] = []
        self._pace = Pace(capacity)
        plain = all(request.shape == "ents" for request in requests)
        self._source: EntitySource = "ents" if plain else entity_source(nlp)

    def check(self) -> None:
        """Refuse requests with texts that are too slow to tokenize; call it outside of the memory zone."""
        steps_s = 0.0
        for number, request in enumerate(self._requests):
            jobs, errors, own_s = self._checked(number, request)
            self._refuse(number, errors)
            if number not in self._failed and own_s and steps_s + own_s > self._capacity.remaining_s:
                self._fail(number, _out_of_time(request))
            if number not in self._failed:
                self._jobs += jobs
                steps_s += own_s

    def _checked(self, number: int, request: Request) -> tuple[list[Job], list[RequestError], float]:
        """Return a request's segments, the errors of the slow ones, and the seconds that tokenizing these takes.

        Several slow segments share one bound. Measuring them takes time as well, so it stops when they exceed it.
        """
        tokenizing, limit = self._capacity.tokenizing, self._capacity.max_slow_s
        jobs, errors, slow_s, slow = list[Job](), list[RequestError](), 0.0, 0
        for index, text in enumerate(request.texts):
            key = request.key(index)
            for segment in self._segments(text, request):
                job = Job(number, index, segment, tokenizing.cost(segment.text))
                jobs.append(job)
                own_s = self._capacity.tokenizing_seconds(job.cost)
                if own_s > 0:
                    slow_s, slow = slow_s + own_s, slow + 1
                error = tokenizing.check(key, job.cost)
                if error is not None:
                    errors.append(error)
                if slow > 1 and slow_s > limit:
                    return jobs, errors or [_too_slow(request, key, limit)], slow_s
                if error is not None:
                    break  # one error of a text is enough
        return jobs, errors, slow_s

    def tokenize(self) -> None:
        """Tokenize every text, and refuse requests over the limits."""
        for number, jobs in _by_request(self._jobs):
            try:
                self._tokenize(number, jobs)
            except Exception as exc:
                self._fail(number, exc)
        self._jobs = [job for job in self._jobs if job.request not in self._failed]

    def _tokenize(self, number: int, jobs: Sequence[Job]) -> None:
        """Tokenize the texts of one request."""
        request, errors = self._requests[number], list[RequestError]()
        for job, needed in self._pace.estimates(jobs):
            if errors and needed > self._capacity.remaining_s:
                break  # a text over its limit is what to change first
            self._check_time(needed, jobs, request)
            error = None if job is None else self._make_doc(job, request)
            if error is not None:
                errors.append(error)
        self._refuse(number, errors)
        tokens = sum(len(job.doc) for job in jobs if job.doc is not None)
        check_estimate(request, tokens, self._response_bytes)

    def run(self) -> None:
        """Run the pipeline chunk by chunk, as long as there is time."""
        try:
            self._run_chunks()
        finally:
            self._pace.observe()

    def _run_chunks(self) -> None:
        for chunk in self._pace.chunks(self._jobs):
            jobs = [job for job in chunk if job.request not in self._failed]
            if not self._pace.fits(jobs):
                for number, _ in _by_request(jobs):
                    self._fail(number, _out_of_time(self._requests[number]))
                continue
            try:
                self._run(jobs)
            except Exception as exc:  # any exception of user code
                self._run_each(jobs, exc)

    def predictions(self) -> Predictions:
        """Merge the predictions of the segments."""
        found = Predictions([self._failed.get(number, []) for number in range(len(self._requests))])
        for number, jobs in _by_request(self._jobs):
            if number in self._failed:
                continue
            for _, group in groupby(jobs, key=lambda job: job.text):
                parts = list(group)
                found.outcomes[number].append(
                    merge_predictions([job.segment for job in parts], [job.prediction for job in parts])
                )
                found.counts.append(add_counts([job.counts for job in parts if job.counts is not None]))
        for number, request in enumerate(self._requests):
            if request.single and number not in self._failed:
                found.outcomes[number] = found.outcomes[number][0]
        return found

    def _segments(self, text: str, request: Request) -> list[Segment]:
        if not request.split:
            return [Segment(text, 0)]
        return split_text(text, self._capacity.tokenizing.segment_limit(self._capacity.limits.text_characters))

    def _make_doc(self, job: Job, request: Request) -> RequestError | None:
        """Make the Doc of a segment, and return the error of one that the tokenizer refuses or that is too long."""
        text = job.segment.text
        try:
            job.doc = self._capacity.tokenizing.make_doc(text, job.cost)
        except RequestError as exc:
            key = request.key(job.text)
            return _at_key(exc, key)
        limit, unit = self._capacity.limits.text_units, self._capacity.speed.unit
        job.units = count_units(self._nlp, job.doc, self._capacity.speed)
        if request.split or job.units <= limit:
            return None
        return RequestError(
            f'"{request.key(job.text)}" makes {job.units:,} {unit}; the limit is {limit:,}',
            remedy='split the text and send the parts, or send "long_text": "split"',
            key=request.key(job.text),
            status=413,
        )

    def _check_time(self, needed: float, jobs: Sequence[Job], request: Request) -> None:
        """Refuse a request by itself as soon as its known part takes too long, and one of several when time is up."""
        left = self._capacity.remaining_s
        if needed > left and self._raise_errors:
            self._capacity.refuse()
            about = max(needed, self._pace.extrapolated(jobs))
            limit = f"{max(left, 0):,.1f} s, what is left of the timeout of {self._capacity.timeout_s:g} s"
            raise _out_of_time(request, f"takes about {about:,.1f} s; the limit is {limit}")
        if left < 0 and not self._raise_errors:
            raise _out_of_time(request)

    def _run(self, jobs: Sequence[Job]) -> None:
        docs = [job.doc for job in jobs if job.doc is not None]
        began = time.perf_counter()
        for job, doc in zip(jobs, _processed(self._nlp, docs), strict=True):
            job.prediction = doc_prediction(doc, self._requests[job.request], self._source)
            if not self._capacity.tokenizing.is_rule_based:
                job.prediction = in_text(job.prediction, doc.text, job.segment.text)
            job.counts = count_text([doc])
            job.doc = None
        self._pace.add(jobs, time.perf_counter() - began)

    def _run_each(self, jobs: Sequence[Job], error: Exception) -> None:
        """Run the texts of a chunk that failed one by one; Docs that were half processed are created again.

        Some components fail on a text only next to others, such as ``textcat`` on an empty one.
        """
        if len(jobs) == 1:
            self._fail(jobs[0].request, error)
            return
        for job in jobs:
            if job.request in self._failed:
                continue
            try:
                job.doc = self._capacity.tokenizing.make_doc(job.segment.text, job.cost)
                self._run([job])
            except Exception as exc:  # any exception of user code
                self._fail(job.request, exc)

    def _refuse(self, number: int, errors: Sequence[RequestError]) -> None:
        if errors:
            self._fail(number, combined(errors))

    def _fail(self, number: int, error: Exception) -> None:
        if self._raise_errors:
            raise error
        # Without its frames, which hold Docs whose memory zone has ended.
        self._failed.setdefault(number, error.with_traceback(None))


def _processed(nlp: Language, docs: Sequence[Doc]) -> Iterator[Doc]:
    """Yield the Docs with their annotations.

    :raises PipelineError: If a component returns fewer or more Docs, or one of another text.
    """
    piped = nlp.pipe(docs) if len(docs) >= MIN_PIPED_TEXTS else (nlp(doc) for doc in docs)
    count = 0
    try:
        for count, doc in enumerate(piped, start=1):
            if count <= len(docs) and doc is not docs[count - 1] and doc.text != docs[count - 1].text:
                raise PipelineError(
                    f"a component returned a Doc of another text, {shorten(doc.text)!r}",
                    remedy="correct the component: annotate the Doc that it gets, or a copy",
                )
            yield doc
    except RuntimeError as exc:
        if not isinstance(exc.__cause__, StopIteration):
            raise
        raise PipelineError(
            "a component raised StopIteration", remedy="correct the component, such as a next() without a default"
        ) from exc
    if count != len(docs):
        raise PipelineError(
            f"a component returned {count} Docs for {len(docs)}",
            remedy="correct the component's pipe: it must yield each Doc that it gets, in order",
        )


def _by_request(jobs: Sequence[Job]) -> Iterator[tuple[int, list[Job]]]:
    for number, group in groupby(jobs, key=lambda job: job.request):
        yield number, list(group)


def _out_of_time(request: Request, why: str = "cannot be predicted in the time that is left") -> OutOfTimeError:
    fewer = "send less text at once" if request.single else "send fewer texts at once"
    key = request.key(0) if request.single else request.key(0).partition("[")[0]
    return OutOfTimeError(
        f'"{key}" {why}', remedy=f"{fewer}, or raise the function's timeout or memory", key=key, status=413
    )


def _at_key(error: RequestError, key: str) -> RequestError:
    """Return an error of a text with the text's key."""
    loggable = None if error.loggable is error else _at_key(error.loggable, key)
    message = f'"{key}": {error.message}'
    return RequestError(message, remedy=error.remedy, key=key, status=error.status, loggable=loggable)


def _too_slow(request: Request, key: str, limit: float) -> RequestError:
    return RequestError(
        f'up to "{key}", long runs without whitespace take more than {limit:,.1f} s to tokenize, which is the limit',
        remedy=f"send {'less' if request.single else 'fewer'} of them at once, or put whitespace into them",
        key=key,
        status=413,
    )


@contextmanager
def _memory_zone(nlp: Language) -> Iterator[None]:
    """Open a zone that also ends when the pipeline fails: before spaCy 3.8.13, the vocabulary kept freed strings."""
    failed: Exception | None = None
    with nlp.memory_zone():
        try:
            yield
        except Exception as exc:
            failed = exc
    if failed is not None:
        raise failed
