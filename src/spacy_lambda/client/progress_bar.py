"""A progress bar in terminals and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.extras import explain_missing

__all__ = ["Progress", "progress_of"]

Progress = bool | OnStep
"""A user's choice: a bar, none, or a function that receives the progress."""


def progress_of(choice: Progress) -> Callable[[], AbstractContextManager[OnStep]]:
    """Return a function that begins the display of progress, which ends with the context.

    :raises MissingExtraError: If a bar is requested and rich is not installed.
    """
    if callable(choice):
        return lambda: nullcontext(choice)
    return _bar() if choice else lambda: nullcontext(no_progress)


@explain_missing
def _bar() -> Callable[[], AbstractContextManager[OnStep]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    @contextmanager
    def bar() -> Iterator[OnStep]:
        console = Console(stderr=True)
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        shown = console.is_terminal or console.is_jupyter
        with Bars(TextColumn("{task.description}"), *columns, console=console, disable=not shown) as bars:
            task = bars.add_task("", total=None)
            yield lambda step, done, total: bars.update(task, description=step, completed=done, total=total)

    return bar
