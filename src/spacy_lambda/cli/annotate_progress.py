"""The progress of a corpus: documents and words a second, time left, errors, as a bar or as lines."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from spacy_lambda.cli.console import print_lines
from spacy_lambda.cli.progress import draw_bars
from spacy_lambda.corpus.summary import OnProgress, Progress

__all__ = ["annotate_progress", "duration"]

INTERVAL_S = 15.0
"""Seconds between two lines."""


@contextlib.contextmanager
def annotate_progress(*, plain: bool, clock: Callable[[], float] = time.monotonic) -> Iterator[OnProgress]:
    """Show the state of a run on standard error: as a bar on a terminal, else as a line from time to time.

    :param plain: Print lines on a terminal too.
    :param clock: Returns seconds.
    """
    if plain or not sys.stderr.isatty():
        yield _Lines(clock).show
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("annotating"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with draw_bars(*columns) as bars:
        task = bars.add_task("annotating", total=None, figures="loading the pipeline")
        began = clock()

        def on_progress(progress: Progress) -> None:
            done, total = _done(progress)
            bars.update(task, completed=done, total=total, figures=_figures(progress, clock() - began))

        yield on_progress


class _Lines:
    """Lines with the state of a run.

    :param clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = self._printed = clock()
        self._first: tuple[float, int] | None = None

    def show(self, progress: Progress) -> None:
        """Print a line, unless it is too soon after the last one."""
        now, (done, total) = self._clock(), _done(progress)
        if self._first is None:
            self._first = (now, done)
        if now - self._printed < INTERVAL_S:
            return
        self._printed = now
        line = f"annotating: {_figures(progress, now - self._began)}"
        if total and done < total:
            line += f", {done / total:.0%}{self._time_left(now, done, total)}"
        print_lines(line, err=True)

    def _time_left(self, now: float, done: int, total: int) -> str:
        """Return the time that is left at the speed so far, without what was done before the run."""
        began, before = self._first or (now, done)
        return f", about {duration((total - done) * (now - began) / (done - before))} left" if done > before else ""


def duration(seconds: float) -> str:
    """Return a time for people: ``8 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def _done(progress: Progress) -> tuple[int, int | None]:
    """Return the part of the work that is done, and all of it: in shards once they are on Lambda, else in bytes."""
    states = progress.states
    if states is None or states.running + states.done + states.failed == 0:
        return progress.read_bytes, progress.total_bytes
    return states.done, states.waiting + states.running + states.done + states.failed


def _figures(progress: Progress, seconds: float) -> str:
    parts = [f"{progress.documents + progress.resumed:,} documents"]
    if progress.documents and seconds > 0:
        parts.append(f"{progress.documents / seconds:,.1f}/s")
        parts.append(f"{progress.words / seconds:,.0f} words/s")
    if progress.errors:
        parts.append(f"{progress.errors:,} errors")
    if progress.states is not None:
        states = progress.states
        parts.append(f"shards: {states.waiting:,} waiting, {states.running:,} running, {states.done:,} done")
        if states.failed:
            parts.append(f"{states.failed:,} failed")
    if progress.cost is not None:
        estimate = "" if progress.total_cost is None else f" of about ${progress.total_cost:,.2f}"
        parts.append(f"${progress.cost:,.2f}{estimate}")
    return ", ".join(parts)
