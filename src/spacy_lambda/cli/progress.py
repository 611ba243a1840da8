"""Progress bars for work that tells its steps, and for bytes that flow."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

__all__ = ["byte_progress", "progress"]

OnStep = Callable[[str, int, int], None]
"""Takes a step's name, how much of it is done, and how much there is."""


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[OnStep]:
    """A callback that draws a bar for each step on standard error, or nothing.

    :param quiet: Draw nothing. Neither is anything drawn where standard error is no terminal.
    """
    from rich.progress import MofNCompleteColumn, TimeElapsedColumn

    with _bars(MofNCompleteColumn(), TimeElapsedColumn(), quiet=quiet) as on_step:
        yield on_step


@contextlib.contextmanager
def byte_progress(*, quiet: bool) -> Iterator[OnStep]:
    """The same for bytes, with their rate."""
    from rich.progress import DownloadColumn, TransferSpeedColumn

    with _bars(DownloadColumn(), TransferSpeedColumn(), quiet=quiet) as on_step:
        yield on_step


@contextlib.contextmanager
def _bars(*columns: ProgressColumn, quiet: bool) -> Iterator[OnStep]:
    if quiet or not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn

    shown = (TextColumn("{task.description:<12}"), BarColumn(), *columns)
    with Progress(*shown, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def on_step(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield on_step
