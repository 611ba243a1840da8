"""The progress bar of a corpus: documents and words a second, time left, errors."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

from spacy_lambda.cli.progress import draw_bars
from spacy_lambda.corpus.summary import OnProgress, Progress, no_progress

__all__ = ["annotate_progress"]


@contextlib.contextmanager
def annotate_progress(*, quiet: bool) -> Iterator[OnProgress]:
    """Draw the state of a run.

    :param quiet: Draw nothing. Nor is anything drawn if standard error is not a terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield no_progress
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
        began = time.monotonic()

        def on_progress(progress: Progress) -> None:
            done, total = _done(progress)
            bars.update(task, completed=done, total=total, figures=_figures(progress, time.monotonic() - began))

        yield on_progress


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
