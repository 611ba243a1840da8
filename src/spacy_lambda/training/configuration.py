"""A request -> the config of the run, written for it or the user's own, and the time that it will take."""

from __future__ import annotations

from pathlib import Path

from spacy.util import load_config
from thinc.api import Config

from spacy_lambda.training.annotated_corpus import AnnotatedCorpus
from spacy_lambda.training.base_model import BaseModel
from spacy_lambda.training.step_time import StepTime, measure_step_time
from spacy_lambda.training.training_config import write_config
from spacy_lambda.training.training_errors import config_explained, memory_explained
from spacy_lambda.training.training_plan import limit_steps, make_plan
from spacy_lambda.training.training_progress import TrainingEstimate
from spacy_lambda.training.training_request import TrainingRequest

__all__ = ["configure"]

FAST_SECONDS = 480.0
"""Seconds of training with ``fast``: ten minutes, less what loading and slower moments take."""


def configure(
    corpora: tuple[AnnotatedCorpus, AnnotatedCorpus],
    request: TrainingRequest,
    model: BaseModel | None,
    spacy_config: Path | None,
    *,
    gpu_id: int,
) -> tuple[str, TrainingEstimate]:
    """Return the config, and the time that it will take."""
    train_corpus, dev_corpus = corpora
    if spacy_config is not None or model is None:
        config = _own_config(spacy_config or Path(), corpora, request)
        time = _measure(config, gpu_id)
        return config.to_str(), _estimate(config, time, train_corpus)
    plan = make_plan(train_corpus, model, gpu=request.gpu, max_steps=request.max_steps)

    def written() -> str:
        return write_config(plan, train_corpus, dev_corpus, model, lang=request.lang, seed=request.seed or 0)

    time = _measure(_parsed(written()), gpu_id)
    if request.fast and request.max_steps is None:
        plan = limit_steps(plan, FAST_SECONDS, step=time.step, evaluation=time.evaluation)
    return written(), _estimate(_parsed(written()), time, train_corpus)


def _parsed(text: str) -> Config:
    return Config().from_str(text, interpolate=False)


def _own_config(path: Path, corpora: tuple[AnnotatedCorpus, AnnotatedCorpus], request: TrainingRequest) -> Config:
    """Read the user's config, and put the arguments into it."""
    with config_explained(path):
        config = load_config(path, interpolate=False)
        for name, corpus in zip(("train", "dev"), corpora, strict=True):
            config.setdefault("paths", {})[name] = str(corpus.path)
            config["corpora"][name]["path"] = f"${{paths.{name}}}"
        if request.seed is not None:
            config["training"]["seed"] = request.seed
        if request.max_steps is not None:
            config["training"]["max_steps"] = request.max_steps
        if request.base is not None:
            config["components"]["transformer"]["model"]["name"] = request.base
        if config.interpolate()["training"].get("seed") is None:
            config["training"]["seed"] = 0
    return config


def _measure(config: Config, gpu_id: int) -> StepTime:
    with config_explained(Path("the config")), memory_explained():
        return measure_step_time(config, use_gpu=gpu_id)


def _estimate(config: Config, time: StepTime, corpus: AnnotatedCorpus) -> TrainingEstimate:
    training = config.interpolate()["training"]
    steps, frequency = training.get("max_steps") or 0, training.get("eval_frequency") or 1
    return TrainingEstimate(
        documents=len(corpus.lengths),
        words=corpus.words,
        labels=tuple(sorted(corpus.labels)),
        steps=steps,
        step_seconds=time.step,
        seconds=time.total(steps, steps // frequency + 1),
    )
