"""A corpus and a base model -> the numbers of a training run.

They suit corpora of some hundred paragraphs:

- windows as long as half of the encoder's wordpieces allow, at most 256 tokens: a paragraph is then one window, which
  is cheaper than two that overlap;
- batches by padded size, so that a step takes about the same time whatever the lengths of its texts; small ones on a
  CPU, where four steps of 250 tokens take as long as one of 1,000, and teach much more;
- a learning rate that rises over the first tenth of the steps and then falls to almost zero at the last one, which a
  small corpus needs more than many steps;
- twenty evaluations, and an end after half of all steps without a better score, in long runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from spacy_lambda.training.annotated_corpus import AnnotatedCorpus
from spacy_lambda.training.base_model import BaseModel

__all__ = ["TrainingPlan", "limit_steps", "make_plan"]

EPOCHS_CPU, EPOCHS_GPU = 12, 40
BATCH_CPU, BATCH_GPU = 250, 1000
"""Padded tokens."""

MIN_STEPS, MAX_STEPS = 200, 20_000
EVALUATIONS = 20
"""Evaluations of a run."""

FEW_EVALUATIONS = 6
"""Evaluations of a run in limited time."""

MIN_STEPS_TO_STOP = 400
"""Steps below which a run does not end early: a new model has no correct entity for a while."""

MIN_FAST_STEPS = 12
MAX_WINDOW = 256
"""Tokens."""

RATES = ((512, 5e-5), (256, 1e-4), (128, 3e-4), (0, 5e-3))
"""Learning rates by the smallest width of hidden states that they suit: small encoders learn at a higher rate."""

SPANS_COVERED = 0.99
"""Share of the spans that spancat's candidates include."""


@dataclass(frozen=True)
class TrainingPlan:
    """Numbers of a config.

    :param window: Tokens of a window.
    :param batch_size: Padded tokens of a batch.
    :param learn_rate: Highest learning rate.
    :param max_steps: A multiple of ``eval_frequency``.
    :param eval_frequency: Steps from one evaluation to the next.
    :param max_span: Tokens of the longest candidate of spancat.
    """

    window: int
    batch_size: int
    learn_rate: float
    max_steps: int
    eval_frequency: int
    max_span: int

    @property
    def evaluations(self) -> int:
        """Number of evaluations, with the one after the first step."""
        return self.max_steps // self.eval_frequency + 1

    @property
    def patience(self) -> int:
        """Steps without a better score after which training ends; 0 for a run that is too short to judge."""
        if self.max_steps < MIN_STEPS_TO_STOP:
            return 0
        return max(1, self.max_steps // self.eval_frequency // 2) * self.eval_frequency

    @property
    def warmup_steps(self) -> int:
        """Steps in which the learning rate rises."""
        return max(1, self.max_steps // 10)


def make_plan(corpus: AnnotatedCorpus, base: BaseModel, *, gpu: bool, max_steps: int | None) -> TrainingPlan:
    """Choose the numbers for a corpus, a base model and a processor.

    :param max_steps: Steps instead of those of the usual number of epochs.
    """
    batch_size = BATCH_GPU if gpu else BATCH_CPU
    epochs = EPOCHS_GPU if gpu else EPOCHS_CPU
    steps = max_steps or min(max(epochs * corpus.batches(batch_size), MIN_STEPS), MAX_STEPS)
    window = MAX_WINDOW if base.max_wordpieces is None else min(MAX_WINDOW, base.max_wordpieces // 2)
    plan = TrainingPlan(
        window=max(window, 4),
        batch_size=batch_size,
        learn_rate=next(rate for width, rate in RATES if base.width >= width),
        max_steps=0,
        eval_frequency=1,
        max_span=_max_span(corpus),
    )
    return _with_steps(plan, steps, EVALUATIONS)


def limit_steps(plan: TrainingPlan, seconds: float, *, step: float, evaluation: float) -> TrainingPlan:
    """Return a plan that ends in limited time.

    :param step: Seconds of a step.
    :param evaluation: Seconds of an evaluation.
    """
    left = seconds - (FEW_EVALUATIONS + 1) * evaluation
    steps = max(MIN_FAST_STEPS, min(plan.max_steps, int(left / step)))
    return _with_steps(plan, steps, FEW_EVALUATIONS)


def _with_steps(plan: TrainingPlan, steps: int, evaluations: int) -> TrainingPlan:
    frequency = max(1, steps // evaluations)
    return replace(plan, max_steps=max(frequency, steps - steps % frequency), eval_frequency=frequency)


def _max_span(corpus: AnnotatedCorpus) -> int:
    lengths = corpus.span_lengths
    return lengths[min(len(lengths) - 1, int(SPANS_COVERED * len(lengths)))] if lengths else 0
