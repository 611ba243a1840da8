"""The state of a run, as it is reported after each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["OnTraining", "TrainingEstimate", "TrainingProgress"]


@dataclass(frozen=True)
class TrainingProgress:
    """The state after a step.

    :param step: Number of the step, as spaCy counts: the first is 0.
    :param max_steps: Maximum number of steps.
    :param epoch: Passes over the corpus that are complete.
    :param loss: Mean loss of a step since the last evaluation.
    :param score: Score of the last evaluation.
    :param best_score: Best score so far.
    :param best_step: Step of the best score.
    :param evaluated: True if this step was evaluated, and a checkpoint was written.
    :param remaining_seconds: Time left, if training does not end early; ``None`` before the second step.
    """

    step: int
    max_steps: int
    epoch: int
    loss: float
    score: float | None
    best_score: float | None
    best_step: int | None
    evaluated: bool
    remaining_seconds: float | None


OnTraining = Callable[[TrainingProgress], None]
"""Called after each step."""


@dataclass(frozen=True)
class TrainingEstimate:
    """Estimate of a run: its work, and the time that it will take.

    :param documents: Documents of the training corpus.
    :param words: Their tokens.
    :param labels: Labels to learn.
    :param steps: Steps, if training does not end early.
    :param step_seconds: Seconds of a step, measured on batches of the corpus.
    :param seconds: Seconds in all.
    """

    documents: int
    words: int
    labels: tuple[str, ...]
    steps: int
    step_seconds: float
    seconds: float
