"""The progress of a corpus: documents and words a second, time left, errors, as a bar or as lines; executions."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from spacy_lambda.cli.console import print_lines
from spacy_lambda.cli.progress import duration, figures_bar, paused
from spacy_lambda.core.counts import count
from spacy_lambda.corpus.summary import OnProgress, Progress, ShardStates

__all__ = ["annotate_progress", "announced_executions"]

INTERVAL_S = 15.0
"""Seconds between two lines."""


@contextlib.contextmanager
def announced_executions(on_progress: OnProgress) -> Iterator[OnProgress]:
    """Print the ARN of each execution on Lambda, and after Ctrl-C what became of it.

    :param on_progress: Called after that.
    """
    last = ShardStates()

    def announce(progress: Progress) -> None:
        nonlocal last
        states = progress.states
        if states is not None and states.execution is not None:
            before, last = last, states
            if before.execution != states.execution:
                with paused():
                    print_lines(f"execution: {states.execution}", err=True)
        on_progress(progress)

    try:
        yield announce
    except KeyboardInterrupt:
        if last.execution is not None:
            print_lines(_after_interrupt(last.execution, stopped=last.stopped), err=True)
        raise


def _after_interrupt(execution: str, *, stopped: bool) -> str:
    if stopped:
        return "the execution was stopped; run the same command again to resume"
    return (
        f"the execution goes on; run the same command again to follow it, or stop it: "
        f"aws stepfunctions stop-execution --execution-arn {execution} --region {execution.split(':')[3]}"
    )


@contextlib.contextmanager
def annotate_progress(*, plain: bool, clock: Callable[[], float] = time.monotonic) -> Iterator[OnProgress]:
    """Show the state of a run on standard error: as a bar on a terminal, else as a line from time to time.

    :param plain: Print lines on a terminal too.
    :param clock: Returns seconds.
    """
    if plain or not sys.stderr.isatty():
        yield _Lines(clock).show
        return
    with figures_bar("annotating", "loading the pipeline") as update:

        def on_progress(progress: Progress) -> None:
            update(*_done(progress), _figures(progress), _remaining(progress))

        yield on_progress


class _Lines:
    """Lines with the state of a run.

    :param clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._printed = clock()

    def show(self, progress: Progress) -> None:
        """Print a line, unless it is too soon after the last one."""
        now, (done, total) = self._clock(), _done(progress)
        if now - self._printed < INTERVAL_S:
            return
        self._printed = now
        line = f"annotating: {_figures(progress)}"
        if total and done < total:
            line += f", {done / total:.0%}"
            left = progress.remaining_seconds
            line += "" if left is None else f", about {duration(left)} left"
        print_lines(line, err=True)


def _done(progress: Progress) -> tuple[int, int | None]:
    """Return the part of the work that is done, and all of it: in shards once they are on Lambda, else in documents."""
    states = progress.states
    if states is None or states.running + states.done + states.failed == 0:
        return progress.resumed + progress.documents, progress.total_documents
    return states.done, states.waiting + states.running + states.done + states.failed


def _remaining(progress: Progress) -> str:
    """Return the time that is left, from the rate since the pipeline was loaded."""
    seconds = progress.remaining_seconds
    return "" if seconds is None else f"about {duration(seconds)} left"


def _figures(progress: Progress) -> str:
    parts = [f"{count(progress.documents + progress.resumed, 'document')}"]
    if progress.documents_per_second is not None:
        parts.append(f"{progress.documents_per_second:,.1f}/s")
        parts.append(f"{progress.words / progress.seconds:,.0f} words/s")
    if progress.errors:
        parts.append(f"{count(progress.errors, 'error')}")
    if progress.states is not None:
        states = progress.states
        parts.append(f"shards: {states.waiting:,} waiting, {states.running:,} running, {states.done:,} done")
        if states.failed:
            parts.append(f"{states.failed:,} failed")
    if progress.cost is not None:
        estimate = "" if progress.total_cost is None else f" of about ${progress.total_cost:,.2f}"
        parts.append(f"${progress.cost:,.2f}{estimate}")
    return ", ".join(parts)
