"""The result of one check, and the stages of the work that need it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from spacy_lambda.errors import SpacyLambdaError, first_line

__all__ = ["EVERY_STAGE", "STAGES", "Finding", "Stage", "Status", "problem_of"]

Stage = Literal["serve", "compile", "annotate", "bundle", "rehearse", "deploy"]
STAGES: tuple[Stage, ...] = get_args(Stage)
EVERY_STAGE = frozenset(STAGES)

Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    :param name: The subject, in one or two words.
    :param detail: Versions, paths and figures; of a problem, a description of it.
    :param remedy: The command or setting that solves the problem; ``None`` if there is none.
    :param blocks: The stages that the problem prevents.
    :param skipped: The check could not be made.
    """

    name: str
    detail: str
    remedy: str | None = None
    blocks: frozenset[Stage] = field(default_factory=frozenset)
    skipped: bool = False

    def status(self, stage: Stage | None) -> Status:
        """Return the status for one stage.

        :param stage: ``None`` for no stage in particular: only a problem that blocks every stage is a failure.
        """
        if self.skipped:
            return "skipped"
        if self.remedy is None:
            return "ok"
        fails = self.blocks == EVERY_STAGE if stage is None else stage in self.blocks
        return "failed" if fails else "warning"


def problem_of(name: str, error: SpacyLambdaError, *, blocks: Iterable[Stage] = ()) -> Finding:
    """Return an error as a finding, on one line."""
    return Finding(name, first_line(error), error.remedy.partition("\n")[0], frozenset(blocks))
