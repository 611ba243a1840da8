"""Evaluations of a run, and their curves as a table (TSV), as JSON and as a plot (SVG)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.core.files import replacing
from spacy_lambda.training.curves_plot import draw_curves

__all__ = ["TrainingEvaluation", "best_evaluation", "label_scores", "write_curves"]


@dataclass(frozen=True)
class TrainingEvaluation:
    """An evaluation on the development corpus.

    :param step: The step after which it was made; the first is 0.
    :param epoch: Passes over the training corpus that were complete.
    :param seconds: Seconds of training until then, over all processes.
    :param words: Tokens of the training corpus that were seen until then.
    :param loss: Mean loss of a step since the evaluation before.
    :param score: Weighted sum of the scores, by the config's ``score_weights``.
    :param scores: spaCy's scores, such as ``ents_f`` and ``ents_per_type``.
    """

    step: int
    epoch: int
    seconds: float
    words: int
    loss: float
    score: float
    scores: Mapping[str, Any]


def best_evaluation(evaluations: Sequence[TrainingEvaluation]) -> TrainingEvaluation | None:
    """Return the evaluation of the pipeline that is kept: the last one of those with the best score."""
    return max(evaluations, key=lambda one: (one.score, one.step), default=None)


def label_scores(evaluation: TrainingEvaluation) -> dict[str, dict[str, float]]:
    """Return precision, recall and F1 (``p``, ``r``, ``f``) of each label."""
    found: dict[str, dict[str, float]] = {}
    for key, value in evaluation.scores.items():
        if key.endswith("_per_type") and isinstance(value, Mapping):
            found |= value
    return dict(sorted(found.items()))


def write_curves(evaluations: Sequence[TrainingEvaluation], folder: Path) -> None:
    """Write ``curves.tsv``, ``curves.json`` and ``curves.svg``."""
    names = sorted({key for one in evaluations for key, value in one.scores.items() if isinstance(value, float)})
    table = io.StringIO()
    writer = csv.writer(table, delimiter="\t", lineterminator="\n")
    writer.writerow(["step", "epoch", "seconds", "words", "loss", "score", *names])
    for one in evaluations:
        figures = [one.loss, one.score, *(one.scores.get(name) for name in names)]
        shown = ["" if figure is None else f"{figure:.4f}" for figure in figures]
        writer.writerow([one.step, one.epoch, f"{one.seconds:.1f}", one.words, *shown])
    contents = {
        "curves.tsv": table.getvalue(),
        "curves.json": json.dumps([asdict(one) for one in evaluations], indent=1, ensure_ascii=False) + "\n",
        "curves.svg": draw_curves([(one.step, one.loss, one.score) for one in evaluations]),
    }
    for name, content in contents.items():
        with replacing(folder / name) as file:
            file.write(content.encode())
