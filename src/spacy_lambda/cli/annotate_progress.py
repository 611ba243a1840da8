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
            bars.update(
                task,
                completed=progress.read_bytes,
                total=progress.total_bytes,
                figures=_figures(progress, time.monotonic() - began),
            )

        yield on_progress


def _figures(progress: Progress, seconds: float) -> str:
    parts = [f"{progress.documents + progress.resumed:,} documents"]
    if progress.documents and seconds > 0:
        parts.append(f"{progress.documents / seconds:,.1f}/s")
        parts.append(f"{progress.words / seconds:,.0f} words/s")
    if progress.errors:
        parts.append(f"{progress.errors:,} errors")
    if progress.cost is not None:
        parts.append(f"${progress.cost:,.2f}")
    return ", ".join(parts)
