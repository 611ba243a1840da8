"""The progress of a training: step, loss, score, best score, time left, as a bar or as a line for each evaluation."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from spacy_lambda.cli.console import print_lines
from spacy_lambda.cli.progress import duration, figures_bar

if TYPE_CHECKING:
    from spacy_lambda.training import TrainingProgress
    from spacy_lambda.training.training_progress import OnTraining

__all__ = ["train_progress"]


@contextlib.contextmanager
def train_progress(*, plain: bool) -> Iterator[OnTraining]:
    """Show the state of a training on standard error; after Ctrl-C, where it will go on.

    :param plain: Print lines on a terminal too.
    """
    last: TrainingProgress | None = None
    evaluated = 0

    def remember(state: TrainingProgress) -> None:
        nonlocal last, evaluated
        last = state
        evaluated = state.step if state.evaluated else evaluated

    try:
        with _shown(plain=plain) as show:

            def on_progress(state: TrainingProgress) -> None:
                remember(state)
                show(state)

            yield on_progress
    except KeyboardInterrupt:
        if last is not None:
            print_lines(
                f"interrupted after step {last.step:,}; run the same command again to go on after step {evaluated:,}",
                err=True,
            )
        raise


@contextlib.contextmanager
def _shown(*, plain: bool) -> Iterator[OnTraining]:
    if plain or not sys.stderr.isatty():
        yield _print_evaluation
        return
    with figures_bar("training", "loading the base model") as update:

        def show(state: TrainingProgress) -> None:
            update(state.step, state.max_steps or None, _figures(state), _remaining(state))

        yield show


def _print_evaluation(state: TrainingProgress) -> None:
    if state.evaluated:
        print_lines(f"training: {_figures(state)}{', ' * bool(_remaining(state))}{_remaining(state)}", err=True)


def _figures(state: TrainingProgress) -> str:
    total = f"/{state.max_steps:,}" if state.max_steps else ""
    figures = f"step {state.step:,}{total}, epoch {state.epoch + 1}, loss {state.loss:,.1f}"
    if state.score is not None:
        figures += f", score {state.score:.3f}, best {state.best_score:.3f} at {state.best_step:,}"
    return figures


def _remaining(state: TrainingProgress) -> str:
    return "" if state.remaining_seconds is None else f"about {duration(state.remaining_seconds)} left"
