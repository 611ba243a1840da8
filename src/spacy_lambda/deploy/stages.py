"""Names of the stages of a deployment, as its progress reports them.

They come in this order. ``bootstrap`` is of the account, all others are of a function. Each update of a stack has
``synthesize``, ``upload``, ``change set`` and ``update``; the last one, which moves the live alias, has
``shift traffic`` instead of ``update``.
"""

from __future__ import annotations

from typing import Literal

from spacy_lambda.core.progress import OnStep

__all__ = ["Stage", "begin", "of_function", "of_stage"]

Stage = Literal[
    "resolve",
    "bundle",
    "prepare",
    "synthesize",
    "compare",
    "bootstrap",
    "upload",
    "change set",
    "update",
    "golden tests",
    "shift traffic",
]


def begin(on_step: OnStep, stage: Stage) -> None:
    """Report the beginning of a stage whose work is not counted."""
    on_step(stage, 0, 0)


def of_stage(on_step: OnStep, stage: Stage) -> OnStep:
    """Return a callback that reports the steps of another package as those of a stage."""
    return lambda step, done, total: on_step(f"{stage} ({step})", done, total)


def of_function(on_step: OnStep, name: str) -> OnStep:
    """Return a callback for the stages of one function."""
    return lambda stage, done, total: on_step(f"{name}: {stage}", done, total)
