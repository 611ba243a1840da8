"""Progress bars for work that tells its steps, and for bytes that flow."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

__all__ = ["byte_progress", "paused", "progress", "stages"]

OnStep = Callable[[str, int, int], None]
"""Takes a step's name, how much of it is done, and how much there is."""

_live: list[Progress] = []
"""The bars that are being drawn."""


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[OnStep]:
    """A callback that draws a bar for each step on standard error, or nothing.

    :param quiet: Draw nothing. Neither is anything drawn where standard error is no terminal.
    """
    from rich.progress import MofNCompleteColumn, TimeElapsedColumn

    with _bars(MofNCompleteColumn(), TimeElapsedColumn(), quiet=quiet) as on_step:
        yield on_step


@contextlib.contextmanager
def stages(*, quiet: bool) -> Iterator[OnStep]:
    """One bar for several stages after each other, which has the name of the one that is under way."""
    from rich.progress import MofNCompleteColumn, TimeElapsedColumn

    with _bars(MofNCompleteColumn(), TimeElapsedColumn(), quiet=quiet, one=True) as on_step:
        yield on_step


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """No bar is drawn, and nothing that is printed is taken by one; what is not finished is drawn again afterwards."""
    bars = [one for one in _live if one.live.is_started]
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
def byte_progress(*, quiet: bool) -> Iterator[OnStep]:
    """The same for bytes, with their rate."""
    from rich.progress import DownloadColumn, TransferSpeedColumn

    with _bars(DownloadColumn(), TransferSpeedColumn(), quiet=quiet) as on_step:
        yield on_step


@contextlib.contextmanager
def _bars(*columns: ProgressColumn, quiet: bool, one: bool = False) -> Iterator[OnStep]:
    if quiet or not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn

    shown = (TextColumn("{task.description:<12}"), BarColumn(), *columns)
    # What is printed to a file or a pipe meanwhile is not drawn above the bars.
    bars = Progress(*shown, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty())
    tasks: dict[str, TaskID] = {}

    def on_step(step: str, done: int, total: int) -> None:
        key = "" if one else step
        if tasks.get(key) not in bars.task_ids:
            tasks[key] = bars.add_task(step, total=total)
        bars.update(tasks[key], description=step, completed=done, total=total)

    with bars:
        _live.append(bars)
        try:
            yield on_step
        finally:
            _live.remove(bars)
