"""Seconds of a step and of an evaluation, measured on batches of the corpus."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice

from spacy.training.initialize import init_nlp
from spacy.training.loop import create_train_batches
from thinc.api import Config

from spacy_lambda.training.training_loop import resolved_training

__all__ = ["StepTime", "measure_step_time"]

BATCHES = 4
"""Batches that are measured, after one that is not: the first is slower."""

DOCS = 8
"""Documents whose evaluation is measured."""


@dataclass(frozen=True)
class StepTime:
    """Seconds, measured on this machine.

    :param step: Seconds of a step.
    :param evaluation: Seconds of an evaluation on the whole development corpus.
    """

    step: float
    evaluation: float

    def total(self, steps: int, evaluations: int) -> float:
        """Return the seconds of a run."""
        return steps * self.step + evaluations * self.evaluation


def measure_step_time(config: Config, *, use_gpu: int) -> StepTime:
    """Train a copy of the pipeline on some batches, and forget it."""
    nlp = init_nlp(config, use_gpu=use_gpu)
    settings, train_corpus, dev_corpus = resolved_training(nlp)
    batches = create_train_batches(nlp, train_corpus, settings["batcher"], settings["max_epochs"])
    seconds = []
    for _, batch in islice(batches, BATCHES + 1):
        start = time.perf_counter()
        nlp.update(list(batch), drop=0.1, sgd=settings["optimizer"], exclude=settings["frozen_components"])
        seconds.append(time.perf_counter() - start)
    dev = list(dev_corpus(nlp))
    start = time.perf_counter()
    nlp.evaluate(dev[:DOCS])
    evaluation = (time.perf_counter() - start) * sum(map(len, dev)) / max(1, sum(map(len, dev[:DOCS])))
    measured = seconds[1:] or seconds
    return StepTime(sum(measured) / len(measured), evaluation)
