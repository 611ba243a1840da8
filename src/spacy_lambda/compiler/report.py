"""What a comparison of two pipelines found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spacy_lambda.compiler.agreement import ComponentReport, Difference

__all__ = ["NotCompared", "Report", "Speed", "TextFailure"]


@dataclass(frozen=True)
class NotCompared:
    """What was left out of the comparison.

    :param component: A component's name.
    :param reason: Why nothing of it, or what of it, could not be compared.
    """

    component: str
    reason: str


@dataclass(frozen=True)
class TextFailure:
    """A text on which a pipeline raised.

    :param document: Its number, from 0.
    :param pipeline: ``original`` or ``compiled``.
    """

    document: int
    pipeline: str
    component: str
    error: str


@dataclass(frozen=True)
class Speed:
    """The time a pipeline took, without loading it."""

    seconds: float
    words_per_second: float
    ms_per_text: float


@dataclass(frozen=True)
class Report:
    """The comparison of two pipelines.

    :param documents: Number of texts.
    :param identical_documents: Documents on which all components say the same.
    :param largest_hidden_difference: Largest difference of two hidden states; ``None`` without a transformer.
    :param relative_hidden_error: Root mean square of the differences, as a part of the hidden states' own.
    :param unlike_documents: Documents whose hidden states have different shapes: other wordpieces, or other windows.
    :param components: One for each kind of annotation of each component.
    :param not_compared: Components of which nothing is compared, and values that cannot be.
    :param notes: What a reader of the figures has to know.
    :param failures: Texts on which a pipeline raised; where the original did, nothing is compared.
    :param differences: Every item of which the pipelines say something else.
    :param speed: Of ``original`` and ``compiled``.
    """

    documents: int
    identical_documents: int
    largest_hidden_difference: float | None
    relative_hidden_error: float | None
    unlike_documents: int
    components: tuple[ComponentReport, ...]
    not_compared: tuple[NotCompared, ...]
    failures: tuple[TextFailure, ...]
    differences: tuple[Difference, ...]
    speed: Mapping[str, Speed]
    notes: tuple[str, ...] = ()

    @property
    def agreement(self) -> float | None:
        """The lowest agreement of all components; ``None`` when neither pipeline says anything."""
        found = [row.agreement for row in self.components if row.counts and row.agreement is not None]
        return min(found, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, with every difference."""
        return {**asdict(self), "agreement": self.agreement}

    def summary(self) -> dict[str, Any]:
        """The figures alone, without anything of the texts: a pipeline's ``meta.json`` may be published."""
        full = self.to_dict()
        return {key: value for key, value in full.items() if key not in ("differences", "failures")} | {
            "failures": len(self.failures)
        }
