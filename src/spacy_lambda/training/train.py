"""Training from end to end: check the input, write the config, measure, train or resume."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.training.initialize import init_nlp
from spacy.util import load_config

from spacy_lambda.core.file_lock import LockHeld, file_lock
from spacy_lambda.core.files import StrPath, megabytes
from spacy_lambda.core.pipeline_meta import TRAINING_KEY
from spacy_lambda.errors import TrainingError, first_line
from spacy_lambda.pipeline.spacy_corpus import corpus_files
from spacy_lambda.training.annotated_corpus import AnnotatedCorpus, check_corpora, read_corpus
from spacy_lambda.training.base_model import BaseModel, find_base_model
from spacy_lambda.training.checkpoint import read_checkpoint
from spacy_lambda.training.configuration import configure
from spacy_lambda.training.curves import TrainingEvaluation, best_evaluation, label_scores
from spacy_lambda.training.trained_folder import TrainedFolder
from spacy_lambda.training.training_errors import config_explained, memory_explained
from spacy_lambda.training.training_loop import run_loop
from spacy_lambda.training.training_progress import OnTraining, TrainingEstimate
from spacy_lambda.training.training_request import TrainingRequest

__all__ = ["TrainedPipeline", "train_pipeline"]

TOOLS = ("spacy", "spacy-transformers", "transformers", "torch")

COPIES = 8
"""Copies of the weights on the disk, while new files are written: two checkpoints of three each, and two pipelines."""


@dataclass(frozen=True)
class TrainedPipeline:
    """A trained pipeline, and how it was trained.

    :param path: The pipeline's folder.
    :param config: Its config, which ``spacy train`` takes, too.
    :param step: The step after which it was the best.
    :param steps: Steps in all.
    :param score: Its score on the development corpus.
    :param scores: spaCy's scores of it.
    :param labels: Precision, recall and F1 of each label.
    :param seconds: Seconds of training, over all processes.
    :param resumed_at: The step at which this call resumed an interrupted run.
    :param was_finished: True if the run had ended before this call, which trained nothing.
    """

    path: Path
    config: Path
    step: int
    steps: int
    score: float
    scores: Mapping[str, Any]
    labels: Mapping[str, Mapping[str, float]]
    seconds: float
    resumed_at: int | None = None
    was_finished: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return {**asdict(self), "path": str(self.path), "config": str(self.config)}


def ignore(event: object) -> None:
    """Ignore a warning, an estimate or progress."""


def train_pipeline(
    train_corpus: StrPath,
    dev_corpus: StrPath,
    out: StrPath,
    *,
    base: StrPath | None = None,
    spacy_config: StrPath | None = None,
    lang: str = "en",
    seed: int | None = None,
    max_steps: int | None = None,
    fast: bool = False,
    gpu_id: int = -1,
    force: bool = False,
    on_warning: Callable[[str], None] = ignore,
    on_estimate: Callable[[TrainingEstimate], None] = ignore,
    on_progress: OnTraining = ignore,
) -> TrainedPipeline:
    """Train a pipeline of a transformer and ``ner``, or ``spancat`` if the corpus annotates ``doc.spans``.

    A run that was interrupted goes on at its last evaluation; one that has ended is not repeated.

    :param train_corpus: A ``.spacy`` file to learn from, or a folder of them.
    :param dev_corpus: The same, to choose the best pipeline by.
    :param out: Folder for the pipeline, its config and its curves.
    :param base: The transformer to begin with: a name on the Hub, or a folder.
    :param spacy_config: Your own config, in place of the one that is written.
    :param lang: spaCy's code of the language.
    :param seed: Seed of all random numbers.
    :param max_steps: Number of steps, in place of the usual number of epochs.
    :param fast: Train for less than ten minutes.
    :param gpu_id: Number of the GPU; -1 for the CPU.
    :param force: Start again, and replace what an earlier run has written.
    :param on_warning: Called with what may lower the scores.
    :param on_estimate: Called with the time that the run will take, before it begins.
    :param on_progress: Called after each step.
    :raises CorpusError: If a corpus cannot be read.
    :raises TrainingError: If a pipeline cannot be trained with this input.
    """
    train_corpus, dev_corpus, out = Path(train_corpus), Path(dev_corpus), Path(out)
    base, spacy_config = None if base is None else str(base), None if spacy_config is None else Path(spacy_config)
    _check_arguments(base, spacy_config, out, fast=fast)
    for corpus in (train_corpus, dev_corpus):
        corpus_files(corpus)
    _check_out(out, base)
    _use_processor(gpu_id)
    model = None if base is None else find_base_model(base)
    request = TrainingRequest.of(
        train_corpus,
        dev_corpus,
        base=model,
        spacy_config=spacy_config,
        lang=lang,
        seed=seed,
        fast=fast,
        max_steps=max_steps,
        gpu=gpu_id >= 0,
    )
    folder = TrainedFolder(out)
    with _locked(folder):
        record = folder.read_record()
        if record is not None and (force or not folder.config.is_file()):
            folder.clear()
            record = None
        if record is None:
            corpora = read_corpus(train_corpus), read_corpus(dev_corpus)
            for warning in check_corpora(*corpora):
                on_warning(warning)
            _check_space(out, model)
            text, estimate = configure(corpora, request, model, spacy_config, gpu_id=gpu_id)
            folder.begin(text, {"request": request.to_dict(), "provenance": _provenance(request, corpora)})
            on_estimate(estimate)
        else:
            request.check_same(record["request"], folder=out)
            folder.check_config(record)
            if "result" in record:
                return _trained(folder, record["result"], was_finished=True)
        return _run(folder, use_gpu=gpu_id, on_progress=on_progress)


def _provenance(request: TrainingRequest, corpora: tuple[AnnotatedCorpus, AnnotatedCorpus]) -> dict[str, Any]:
    """Return how the pipeline was trained, for its ``meta.json`` and its model card; paths are private."""
    trained, chosen = corpora
    facts = {
        "base_model": None if request.base is None else _public_name(request.base),
        "base_identity": request.base_identity,
        "training_documents": len(trained.lengths),
        "training_tokens": trained.words,
        "training_sha256": request.train,
        "development_documents": len(chosen.lengths),
        "development_sha256": request.dev,
        "seed": request.seed or 0,
        "trained_with": [f"{name} {version(name)}" for name in ("spacy-lambda", *TOOLS)],
    }
    return {key: value for key, value in facts.items() if value is not None}


def _public_name(base: str) -> str:
    return Path(base).resolve().name if Path(base).is_dir() else base


def _check_arguments(base: str | None, spacy_config: Path | None, out: Path, *, fast: bool) -> None:
    if base is None and spacy_config is None:
        raise TrainingError(
            "the base model is missing", remedy="pass --base with a name on the Hub or a folder, or --spacy-config"
        )
    if fast and spacy_config is not None:
        raise TrainingError(
            "--fast chooses the number of steps, which --spacy-config has", remedy="pass --max-steps, or one of them"
        )
    if spacy_config is not None and not spacy_config.is_file():
        raise TrainingError(f"{spacy_config} is not a file", remedy="pass a config of spaCy to --spacy-config")
    if spacy_config is not None and out.resolve() in spacy_config.resolve().parents:
        raise TrainingError(f"{spacy_config} is in the output folder", remedy="choose another folder for the output")


def _check_out(out: Path, base: str | None) -> None:
    """Refuse a folder inside the base model's, whose digest would change, so that the run could not be resumed."""
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out} is not a folder", remedy="choose a folder for the pipeline and its curves")
    if base is not None and Path(base).is_dir() and Path(base).resolve() in out.resolve().parents:
        raise TrainingError(f"{out} is in the base model's folder", remedy="choose another folder for the output")


def _use_processor(gpu_id: int) -> None:
    from thinc.api import require_gpu

    if gpu_id >= 0:
        try:
            require_gpu(gpu_id)
        except ValueError as exc:
            raise TrainingError(
                f"GPU {gpu_id} cannot be used: {first_line(exc)}",
                remedy="install torch for CUDA and cupy (pip install cupy-cuda12x), or leave --gpu-id out",
            ) from exc


@contextmanager
def _locked(folder: TrainedFolder) -> Iterator[None]:
    """Keep a second run out of a folder, which is removed if it is new and nothing was written."""
    is_new = not folder.path.exists()
    try:
        with file_lock(folder.lock):
            yield
    except LockHeld as exc:
        raise TrainingError(
            f"{folder.path} is in use by {exc}", remedy="wait until it ends, or choose another folder"
        ) from exc
    finally:
        if is_new:
            with suppress(OSError):
                folder.path.rmdir()


def _check_space(out: Path, model: BaseModel | None) -> None:
    if model is None:
        return
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    needed, free = COPIES * 4 * model.parameters, shutil.disk_usage(existing).free
    if free < needed:
        raise TrainingError(
            f"training needs about {megabytes(needed)} in {out}, where {megabytes(free)} are free",
            remedy="free disk space, choose a folder on another disk, or train a smaller base model",
        )


def _run(folder: TrainedFolder, *, use_gpu: int, on_progress: OnTraining) -> TrainedPipeline:
    folder.recover()
    record = folder.read_record() or {}
    checkpoint = read_checkpoint(folder.checkpoint)
    with memory_explained():
        with config_explained(folder.config):
            nlp: Language = init_nlp(load_config(folder.config, interpolate=False), use_gpu=use_gpu)
        nlp.meta[TRAINING_KEY] = record["provenance"]
        evaluations = run_loop(nlp, folder, checkpoint=checkpoint, on_progress=on_progress)
    result = {"evaluation": asdict(_best(evaluations)), "steps": evaluations[-1].step}
    folder.write_record({**record, "result": {**result, "seconds": evaluations[-1].seconds}})
    folder.checkpoint.unlink(missing_ok=True)
    trained = _trained(folder, {**result, "seconds": evaluations[-1].seconds})
    return replace(trained, resumed_at=None if checkpoint is None else checkpoint.step)


def _best(evaluations: list[TrainingEvaluation]) -> TrainingEvaluation:
    best = best_evaluation(evaluations)
    if best is None:
        raise TrainingError(
            "training ended without an evaluation", remedy="raise max_steps or max_epochs in the config"
        )
    return best


def _trained(folder: TrainedFolder, result: Mapping[str, Any], *, was_finished: bool = False) -> TrainedPipeline:
    best = TrainingEvaluation(**result["evaluation"])
    return TrainedPipeline(
        path=folder.pipeline,
        config=folder.config,
        step=best.step,
        steps=result["steps"],
        score=best.score,
        scores=best.scores,
        labels=label_scores(best),
        seconds=result["seconds"],
        was_finished=was_finished,
    )
