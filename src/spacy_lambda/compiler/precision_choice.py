"""Compiled pipelines of several precisions, measured on texts -> the fastest that agrees with the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.compiler.precisions import Thresholds
from spacy_lambda.compiler.report import VerificationReport
from spacy_lambda.compiler.verification import MeasuredComparison, compare_all
from spacy_lambda.core.compiled_meta import Precision
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import file_sizes
from spacy_lambda.core.progress import OnStep
from spacy_lambda.errors import VerifyError

__all__ = ["Candidate", "PrecisionChoice", "choose_precision", "split_texts"]

BATCHES = 9
"""Batches of the texts, at least, if they are that many: the median of their times counts."""

LARGEST_BATCH = 16

SAME_SPEED = 0.95
"""Part of the fastest candidate's speed: the smallest of the candidates that reach it is chosen."""


@dataclass(frozen=True)
class Candidate:
    """One precision, as measured.

    :param agreement: The lowest agreement F1 of a component; ``None`` for a precision that cannot be compiled.
    :param gold_original: Gold F1 of the original, for the component whose drop is the largest; ``None`` without gold.
    :param gold_compiled: Gold F1 of the compiled pipeline, for the same one.
    :param drop: Their difference in points.
    :param words_per_second: Median of the batches.
    :param speedup: Median of the batches' speeds, relative to the original's.
    :param bytes: Size of the compiled pipeline.
    :param failures: Texts on which the pipeline raises and the original does not.
    :param reason: Why it was not accepted; ``None`` if it was.
    """

    precision: Precision
    agreement: float | None = None
    gold_original: float | None = None
    gold_compiled: float | None = None
    drop: float | None = None
    words_per_second: float | None = None
    speedup: float | None = None
    bytes: int | None = None
    failures: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class PrecisionChoice:
    """The measured precisions and the chosen one.

    :param thresholds: What was required.
    :param calibration_texts: Texts that calibrated precisions were compiled with.
    :param measured_texts: The other texts, on which everything was measured.
    :param original_words_per_second: The original's median.
    :param original_bytes: Size of the original.
    """

    precision: Precision
    thresholds: Thresholds
    calibration_texts: int
    measured_texts: int
    original_words_per_second: float
    original_bytes: int
    candidates: tuple[Candidate, ...]
    report: VerificationReport

    def to_dict(self) -> dict[str, Any]:
        """Return the measurements as JSON, without the report of the chosen one."""
        return {key: value for key, value in asdict(self).items() if key != "report"}


def split_texts(docs: Sequence[Doc], path: Path) -> tuple[list[Doc], list[Doc]]:
    """Split texts into those for calibration and those to measure on: every other one.

    :raises VerifyError: If there is only one.
    """
    if len(docs) < 2:
        raise VerifyError(
            f"{path} has {count(len(docs), 'text')}, and --precision auto needs two: one to calibrate with, one to"
            " measure on",
            remedy="give more texts; some hundred are a good measure",
        )
    return list(docs[::2]), list(docs[1::2])


def choose_precision(
    original: Language,
    folders: Mapping[Precision, Path],
    refused: Mapping[Precision, str],
    docs: Sequence[Doc],
    thresholds: Thresholds,
    *,
    original_bytes: int,
    calibration_texts: int,
    on_step: OnStep,
) -> PrecisionChoice:
    """Measure compiled pipelines and choose one.

    :param folders: The compiled pipelines.
    :param refused: Precisions that cannot be compiled, with the reason.
    :param docs: Texts that none of them was calibrated with.
    :raises VerifyError: If nothing can be compared, or none of them is good enough.
    """
    batch = max(1, min(LARGEST_BATCH, len(docs) // BATCHES))
    measured = compare_all(original, list(folders.values()), docs, batch=batch, on_step=on_step)
    words = [sum(map(len, docs[begin : begin + batch])) for begin in range(0, len(docs), batch)]
    found = {
        precision: _candidate(precision, folder, one, words, thresholds)
        for (precision, folder), one in zip(folders.items(), measured, strict=True)
    }
    candidates = (*(Candidate(name, reason=reason) for name, reason in refused.items()), *found.values())
    best = _best(candidates)
    reports = dict(zip(folders, (one.report for one in measured), strict=True))
    return PrecisionChoice(
        best.precision,
        thresholds,
        calibration_texts,
        len(docs),
        round(_speed(words, measured[0].original_seconds), 1),
        original_bytes,
        candidates,
        reports[best.precision],
    )


def _candidate(
    precision: Precision, folder: Path, measured: MeasuredComparison, words: Sequence[int], thresholds: Thresholds
) -> Candidate:
    report = measured.report
    golds = [
        (row.gold_original, row.gold_compiled)
        for row in report.components
        if row.counts and row.gold_original is not None and row.gold_compiled is not None
    ]
    gold = max(golds, key=lambda pair: pair[0] - pair[1], default=(None, None))
    drop = None if gold[0] is None or gold[1] is None else round(100 * (gold[0] - gold[1]), 2)
    failures = report.compiled_failures
    pairs = zip(measured.original_seconds, measured.seconds, strict=True)
    return Candidate(
        precision,
        agreement=report.agreement,
        gold_original=gold[0],
        gold_compiled=gold[1],
        drop=drop,
        words_per_second=round(_speed(words, measured.seconds), 1),
        speedup=round(median(theirs / max(ours, 1e-9) for theirs, ours in pairs), 2),
        bytes=sum(file_sizes(folder).values()),
        failures=failures,
        reason=_reason(report.agreement, drop, failures, thresholds),
    )


def _speed(words: Sequence[int], seconds: Sequence[float]) -> float:
    return median(number / max(time, 1e-9) for number, time in zip(words, seconds, strict=True))


def _reason(agreement: float | None, drop: float | None, failures: int, thresholds: Thresholds) -> str | None:
    if agreement is None:
        return "nothing to compare"
    if failures:
        return f"fails on {count(failures, 'text')}"
    if agreement < thresholds.min_agreement:
        return f"agreement below {thresholds.min_agreement:g}"
    if drop is not None and drop > thresholds.max_drop:
        return f"gold F1 drops by more than {thresholds.max_drop:g} points"
    return None


def _best(candidates: Sequence[Candidate]) -> Candidate:
    """Return the fastest accepted candidate; the smallest of those that are as fast.

    :raises VerifyError: If there is none.
    """
    accepted = [one for one in candidates if one.reason is None]
    if not accepted:
        if all(one.agreement is None for one in candidates):
            raise VerifyError(
                "no precision can be chosen: neither pipeline annotates these texts",
                remedy="give texts that the original annotates",
            )
        reasons = "; ".join(f"{one.precision}: {_shown(one)}{one.reason}" for one in candidates)
        raise VerifyError(
            f"no precision is good enough: {reasons}", remedy="lower --min-agreement, or raise --max-drop"
        )
    # By the speedup: the original runs the same batch next to it, under the same load of the machine.
    fastest = max(one.speedup or 0.0 for one in accepted)
    equal = [one for one in accepted if (one.speedup or 0.0) >= SAME_SPEED * fastest]
    return min(equal, key=lambda one: one.bytes or 0)


def _shown(one: Candidate) -> str:
    return "" if one.agreement is None else f"{one.agreement:.4f}, "
