"""The rules of each precision: the table that the stages of a compilation and the command line consult."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spacy_lambda.core.compiled_meta import META_KEY, Precision
from spacy_lambda.errors import CompileError

__all__ = [
    "AUTO",
    "CALIBRATED",
    "DEFAULT_THRESHOLDS",
    "EXACT",
    "PRECISIONS",
    "PrecisionRequest",
    "PrecisionRules",
    "Thresholds",
    "check_inputs",
    "rules_in",
]

AUTO: Literal["auto"] = "auto"

PrecisionRequest = Literal[Precision, "auto"]
"""A precision, or ``auto`` for the fastest that is good enough on texts."""


@dataclass(frozen=True)
class Thresholds:
    """The requirements of a precision that is chosen by measuring.

    :param min_agreement: Lowest agreement F1 with the original, of each component.
    :param max_drop: Largest drop of a component's gold F1, in points.
    """

    min_agreement: float = 0.98
    max_drop: float = 0.3


DEFAULT_THRESHOLDS = Thresholds()


USE_FP32 = "compile with --precision fp32"


@dataclass(frozen=True)
class PrecisionRules:
    """The rules of one precision.

    :param name: Its name, as in ``meta.json``.
    :param summary: The predicate of a sentence about it, for the command's help.
    :param exact: The compiled pipeline must predict what the original predicts; otherwise its models may differ.
    :param calibrated: Calibrated with texts, or with random wordpieces where there are none.
    :param tolerance: Largest error of the hidden states. For an exact precision, the error of the worst wordpiece,
        relative to the hidden states' size; otherwise the error of all wordpieces, relative to the deviation of the
        hidden states from their mean (1 for an encoder whose hidden states are all the same).
    :param weight_bits: Bits of each number in tables and matrix products, as stored.
    :param expanded: Matrix products are fp32 in memory, however they are stored.
    :param remedy: The remedy for an encoder beyond the tolerance.
    """

    name: Precision
    summary: str
    exact: bool
    calibrated: bool
    tolerance: float
    weight_bits: int
    expanded: bool
    remedy: str


EXACT = PrecisionRules(
    "fp32",
    summary="predicts exactly what the original predicts",
    exact=True,
    calibrated=False,
    tolerance=1e-3,
    weight_bits=32,
    expanded=True,
    remedy="use an encoder such as BERT, RoBERTa, ELECTRA or DistilBERT, or report it with the model's config.json",
)
"""The rules that the encoder's graph is checked by at every precision, before its weights change."""

_WEIGHT_ONLY = PrecisionRules(
    "int8-weight-only",
    summary="has a file a quarter of fp32's size; in memory it is fp32, and as fast",
    exact=False,
    calibrated=False,
    tolerance=0.25,
    weight_bits=8,
    expanded=True,
    remedy=USE_FP32,
)

_INT8 = PrecisionRules(
    "int8",
    summary="is a quarter of the size and faster",
    exact=False,
    calibrated=True,
    tolerance=0.5,
    weight_bits=8,
    expanded=False,
    remedy=f"{USE_FP32}, or with --calibrate and texts like those the pipeline will see",
)

PRECISIONS: Mapping[Precision, PrecisionRules] = {rules.name: rules for rules in (EXACT, _WEIGHT_ONLY, _INT8)}
CALIBRATED = tuple(rules.name for rules in PRECISIONS.values() if rules.calibrated)


def check_inputs(
    precision: PrecisionRequest, *, calibrate: Path | None, texts: Path | None, verify: Path | None
) -> None:
    """Check that a precision uses the texts that are given.

    :param calibrate: Texts to calibrate with.
    :param texts: Texts to choose the precision by.
    :param verify: Texts to compare on.
    :raises CompileError: If it does not.
    """
    if precision == AUTO:
        for option, path in (("--calibrate", calibrate), ("--verify", verify)):
            if path is not None:
                raise CompileError(
                    f"{option} {path} does not apply to --precision {AUTO}, which calibrates and compares on --texts",
                    remedy=f"give the texts with --texts {path}",
                )
    elif texts is not None:
        raise CompileError(
            f"--texts {texts} applies to --precision {AUTO} only, and the precision is {precision}",
            remedy=f"add --precision {AUTO}, or use --calibrate and --verify",
        )
    elif calibrate is not None and not PRECISIONS[precision].calibrated:
        raise CompileError(
            f"--calibrate {calibrate} applies to {' and '.join(CALIBRATED)} only, and the precision is {precision}",
            remedy=f"add --precision {' or '.join(CALIBRATED)}, or leave out --calibrate",
        )


def rules_in(meta: Mapping[str, Any]) -> PrecisionRules:
    """Return the rules of a compiled pipeline by its ``meta.json``; for any other pipeline, the exact ones."""
    block = meta.get(META_KEY)
    name = block.get("precision") if isinstance(block, dict) else None
    return next((rules for rules in PRECISIONS.values() if rules.name == name), EXACT)
