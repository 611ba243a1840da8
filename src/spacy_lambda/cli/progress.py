"""Progress bars on standard error, drawn from the steps that long work reports."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from spacy_lambda.core.progress import OnStep, no_progress

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

__all__ = [
    "OnFigures",
    "byte_progress",
    "draw_bars",
    "duration",
    "figures_bar",
    "hub_progress",
    "paused",
    "progress",
    "stages",
]

OnFigures = Callable[[int, int | None, str, str], None]
"""Receives what is done and all of it, figures, and the time that is left, in words."""

_drawn: list[Progress] = []
"""The bars on the screen."""


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[OnStep]:
    """Draw a bar for each step.

    What a pipeline's code prints meanwhile goes to standard error: programs read the results on standard output.

    :param quiet: Draw nothing. Nor is anything drawn if standard error is not a terminal.
    """
    from rich.progress import MofNCompleteColumn, TimeElapsedColumn

    with (
        contextlib.redirect_stdout(sys.stderr),
        _bars(MofNCompleteColumn(), TimeElapsedColumn(), quiet=quiet) as on_step,
    ):
        yield on_step


@contextlib.contextmanager
def stages(*, quiet: bool) -> Iterator[OnStep]:
    """Draw one bar for consecutive steps, with the name and the time of the current one; at the end nothing is left.

    :param quiet: Draw nothing, and let standard error have what a pipeline's code prints: ``--json`` is the result.
    """
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.fields[count]}"), SpinnerColumn(), TimeElapsedColumn())
    with (
        contextlib.redirect_stdout(sys.stderr) if quiet else contextlib.nullcontext(),
        _bars(*columns, quiet=quiet, single=True) as on_step,
    ):
        yield on_step


@contextlib.contextmanager
def byte_progress(*, quiet: bool) -> Iterator[OnStep]:
    """Draw a bar for each step, in bytes and with their rate."""
    from rich.progress import DownloadColumn, Task, TransferSpeedColumn
    from rich.text import Text

    class KnownSpeedColumn(TransferSpeedColumn):
        """The rate, once it is known: a step that is done at once has none."""

        def render(self, task: Task) -> Text:
            return Text() if (task.finished_speed or task.speed) is None else super().render(task)

    with _bars(DownloadColumn(), KnownSpeedColumn(), quiet=quiet) as on_step:
        yield on_step


def hub_progress(*, quiet: bool) -> None:
    """Let huggingface_hub draw its own bars only if spacy-lambda would draw one."""
    if quiet or not sys.stderr.isatty():
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Take the bars off the screen for output and prompts; redraw the unfinished ones afterwards."""
    bars = [one for one in _drawn if one.live.is_started]
    for one in bars:
        one.stop()
    try:
        yield
    finally:
        for one in bars:
            for task in one.tasks:
                if task.finished:
                    one.remove_task(task.id)
            one.start()


@contextlib.contextmanager
def _bars(*columns: ProgressColumn, quiet: bool, single: bool = False) -> Iterator[OnStep]:
    if quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from rich.progress import BarColumn, TaskID, TextColumn

    tasks: dict[str, TaskID] = {}
    current = ""
    with draw_bars(TextColumn("{task.description:<12}"), BarColumn(), *columns, transient=single) as bars:

        def on_step(step: str, done: int, total: int) -> None:
            nonlocal current
            key = "" if single else step
            count = f"{done:,}/{total:,}" if total > 1 else ""
            if single and step != current and tasks.get(key) in bars.task_ids:
                bars.remove_task(tasks[key])
            if tasks.get(key) not in bars.task_ids:
                tasks[key] = bars.add_task(step, total=total or None, count=count)
            current = step
            bars.update(tasks[key], description=step, completed=done, total=total or None, count=count)

        yield on_step


@contextlib.contextmanager
def figures_bar(name: str, first: str) -> Iterator[OnFigures]:
    """Draw one bar with figures behind it.

    :param name: Of the work, before the bar.
    :param first: Stands in place of the figures until there are some.
    """
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(name),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remaining]}"),
    )
    with draw_bars(*columns) as bars:
        task = bars.add_task(name, total=None, figures=first, remaining="")

        def update(done: int, total: int | None, figures: str, remaining: str) -> None:
            bars.update(task, completed=done, total=total, figures=figures, remaining=remaining)

        yield update


def duration(seconds: float) -> str:
    """Return a time for people: ``8 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


@contextlib.contextmanager
def draw_bars(*columns: ProgressColumn, transient: bool = False) -> Iterator[Progress]:
    """Draw bars with these columns until the block ends; :func:`paused` takes them off the screen.

    :param transient: Leave nothing of them at the end.
    """
    from rich.console import Console
    from rich.progress import Progress

    # If standard output is a file or a pipe, rich must not draw above the bars the text that is printed to it.
    console = Console(stderr=True)
    with Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty(), transient=transient) as bars:
        _drawn.append(bars)
        try:
            yield bars
        finally:
            _drawn.remove(bars)
