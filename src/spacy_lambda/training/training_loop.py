"""spaCy's training loop, made to go on where a checkpoint was written.

:func:`spacy.training.loop.train_while_improving` is run as it is. To resume, it is first given the steps that are done,
with empty batches and the recorded scores: they change no weight, and schedules, patience and the best score reach the
state that they had. Then the checkpoint is restored, and the next batch is a real one.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, SupportsFloat

from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.loop import (
    create_before_to_disk_callback,
    create_evaluation_callback,
    create_train_batches,
    train_while_improving,
    update_meta,
)
from spacy.util import registry, resolve_dot_names
from thinc.api import fix_random_seed

from spacy_lambda.training.checkpoint import Checkpoint, capture, restore, write_checkpoint
from spacy_lambda.training.curves import TrainingEvaluation, best_evaluation, write_curves
from spacy_lambda.training.trained_folder import TrainedFolder
from spacy_lambda.training.training_progress import OnTraining, TrainingProgress

__all__ = ["resolved_training", "run_loop"]

Batch = tuple[int, list[Example]]
"""An epoch and a batch of it."""


def resolved_training(nlp: Language) -> tuple[dict[str, Any], Any, Any]:
    """Return the objects of the config's block ``training``, and both corpora."""
    config = nlp.config.interpolate()
    settings = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    corpora = resolve_dot_names(config, [settings["train_corpus"], settings["dev_corpus"]])
    return settings, corpora[0], corpora[1]


class _Batches:
    """The batches of a run, the same in every process.

    They have a state of Python's random numbers of their own, which nothing else in the process changes.

    :param batches: spaCy's batches, which Python's generator of random numbers shuffles.
    :param done: Number of batches that are replaced by empty ones.
    :param on_resume: Called after the empty ones.
    """

    def __init__(self, batches: Iterator[Batch], *, done: int, on_resume: Callable[[], None]) -> None:
        self.words = 0
        self._batches = batches
        self._done = done
        self._on_resume = on_resume
        self._state = random.getstate()

    def __iter__(self) -> Iterator[Batch]:
        for number in range(self._done):
            found = self._next()
            if found is None:
                return
            yield found[0], []
            if number == self._done - 1:
                self._on_resume()
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> Batch | None:
        others = random.getstate()
        random.setstate(self._state)
        found = next(self._batches, None)
        self._state = random.getstate()
        random.setstate(others)
        if found is None:
            return None
        epoch, batch = found[0], list(found[1])
        self.words += sum(len(example) for example in batch)
        return epoch, batch


def run_loop(
    nlp: Language, folder: TrainedFolder, *, checkpoint: Checkpoint | None, on_progress: OnTraining
) -> list[TrainingEvaluation]:
    """Train a pipeline until its config's end, with a checkpoint at each evaluation.

    :param nlp: The initialized pipeline.
    :param checkpoint: Where to go on.
    :returns: All evaluations, with those before the checkpoint.
    """
    fix_random_seed(nlp.config.interpolate()["training"]["seed"] or 0)
    run = _Run(nlp, folder, checkpoint)
    for step in run.steps():
        on_progress(step)
    return run.evaluations


class _Run:
    """A training in this process.

    :param nlp: The initialized pipeline.
    :param checkpoint: Where to go on.
    """

    def __init__(self, nlp: Language, folder: TrainedFolder, checkpoint: Checkpoint | None) -> None:
        self.evaluations = [] if checkpoint is None else list(checkpoint.evaluations)
        self._recorded = deque(self.evaluations)
        self._nlp = nlp
        self._folder = folder
        self._checkpoint = checkpoint
        self._done = 0 if checkpoint is None else checkpoint.step + 1
        self._settings, train_corpus, dev_corpus = resolved_training(nlp)
        self._optimizer = self._settings["optimizer"]
        self._evaluate = create_evaluation_callback(nlp, dev_corpus, self._settings["score_weights"])
        self._before_to_disk = create_before_to_disk_callback(self._settings["before_to_disk"])
        batches = create_train_batches(nlp, train_corpus, self._settings["batcher"], self._settings["max_epochs"])
        self._batches = _Batches(iter(batches), done=self._done, on_resume=self._restore)
        before = self.evaluations[-1].seconds if self.evaluations else 0.0
        self._clock = _Clock(self._settings["max_steps"], done=self._done, before=before)

    def steps(self) -> Iterator[TrainingProgress]:
        """Yield the state after each new step; what an evaluation writes is on the disk then."""
        settings = self._settings
        steps = train_while_improving(
            self._nlp,
            self._optimizer,
            self._batches,
            self._score,
            dropout=settings["dropout"],
            eval_frequency=settings["eval_frequency"],
            accumulate_gradient=settings["accumulate_gradient"],
            patience=settings["patience"],
            max_steps=settings["max_steps"],
            exclude=settings["frozen_components"],
            annotating_components=settings["annotating_components"],
            before_update=settings["before_update"],
        )
        for _, info, is_best in steps:
            if info["step"] < self._done:
                continue
            loss = _loss(self._nlp, info["losses"]) / _steps_since_evaluation(info["step"], settings["eval_frequency"])
            if is_best is not None:
                self._keep(info, loss, is_best=is_best)
            yield self._progress(info, loss, evaluated=is_best is not None)

    def _score(self) -> tuple[float, dict[str, Any]]:
        """Evaluate the pipeline, or repeat a recorded evaluation."""
        if self._recorded:
            one = self._recorded.popleft()
            return one.score, dict(one.scores)
        return self._evaluate()

    def _restore(self) -> None:
        if self._checkpoint is not None:
            restore(self._nlp, self._optimizer, self._checkpoint)

    def _keep(self, info: dict[str, Any], loss: float, *, is_best: bool) -> None:
        """Write what an evaluation changes: the best pipeline, then the checkpoint, then the curves."""
        self.evaluations.append(
            TrainingEvaluation(
                step=info["step"],
                epoch=info["epoch"],
                seconds=self._clock.seconds(),
                words=self._batches.words,
                loss=loss,
                score=float(info["score"]),
                scores=_plain(info["other_scores"]),
            )
        )
        if is_best:
            update_meta(self._settings, self._nlp, info)
            with self._nlp.use_params(self._optimizer.averages or {}):
                self._folder.replace_pipeline(self._before_to_disk(self._nlp))
        taken = capture(self._nlp, self._optimizer, step=info["step"], evaluations=self.evaluations)
        write_checkpoint(taken, self._folder.checkpoint)
        write_curves(self.evaluations, self._folder.path)

    def _progress(self, info: dict[str, Any], loss: float, *, evaluated: bool) -> TrainingProgress:
        best = best_evaluation(self.evaluations)
        return TrainingProgress(
            step=info["step"],
            max_steps=self._settings["max_steps"],
            epoch=info["epoch"],
            loss=loss,
            score=self.evaluations[-1].score if self.evaluations else None,
            best_score=None if best is None else best.score,
            best_step=None if best is None else best.step,
            evaluated=evaluated,
            remaining_seconds=self._clock.remaining(info["step"]),
        )


class _Clock:
    """Time of a run over several processes.

    :param max_steps: Steps in all; 0 if unknown.
    :param done: Steps of earlier processes.
    :param before: Seconds of earlier processes.
    """

    def __init__(self, max_steps: int, *, done: int, before: float) -> None:
        self._max_steps = max_steps
        self._done = done
        self._before = before
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Return the seconds of all processes."""
        return self._before + time.monotonic() - self._start

    def remaining(self, step: int) -> float | None:
        """Return the seconds that are left after a step, at the mean speed of this process."""
        done = step + 1 - self._done
        if not self._max_steps or done < 2:
            return None
        return (time.monotonic() - self._start) / done * max(0, self._max_steps - step)


def _steps_since_evaluation(step: int, frequency: int) -> int:
    return (step % frequency or frequency) if step else 1


def _loss(nlp: Language, losses: dict[str, float]) -> float:
    """Return the loss of all components but transformers, whose figure is the size of a gradient."""
    factories = {name: nlp.get_pipe_meta(name).factory for name in losses}
    return float(sum(value for name, value in losses.items() if factories[name] != "transformer"))


def _plain(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores that JSON can hold, without the speed, which is not one."""
    plain: dict[str, Any] = {}
    for key, value in scores.items():
        if isinstance(value, Mapping):
            plain[key] = _plain(value)
        elif isinstance(value, SupportsFloat) and key != "speed":
            plain[key] = float(value)
    return plain
