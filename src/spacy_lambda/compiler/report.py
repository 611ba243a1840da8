"""The report of a verification, as in its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "ComponentReport",
    "Difference",
    "HostReport",
    "LabelReport",
    "NotCompared",
    "PipelineTime",
    "TextFailure",
    "VerificationReport",
]


@dataclass(frozen=True)
class LabelReport:
    """The counts of one label.

    :param original: Number of the original's items.
    :param compiled: Number of the compiled pipeline's items.
    :param shared: Number of items that both have.
    :param agreement: F1 of the compiled pipeline's items against the original's.
    """

    original: int
    compiled: int
    shared: int
    agreement: float


@dataclass(frozen=True)
class Difference:
    """One place at which the pipelines' annotations differ.

    :param document: Number of the text, from 0.
    :param start: First character; ``None`` for an annotation of the whole text.
    :param end: The character after the last one; ``None`` as ``start``.
    :param text: The characters, at most 80 of them.
    :param component: The component's name.
    :param annotation: The kind of annotation.
    :param original: The original's label or value; ``None`` where it has none.
    :param compiled: The compiled pipeline's label or value.
    """

    document: int
    component: str
    annotation: str
    start: int | None
    end: int | None
    text: str
    original: str | None
    compiled: str | None


@dataclass(frozen=True)
class ComponentReport:
    """Agreement on one kind of annotation of one component.

    :param component: The component's name.
    :param annotation: The kind of annotation: ``ents``, ``tags``, ``cats.scores``, ...
    :param original: Number of the original's items.
    :param compiled: Number of the compiled pipeline's items.
    :param shared: Number of items that both have.
    :param agreement: F1 of the compiled pipeline's items against the original's; ``None`` if both have none.
    :param counts: ``False`` if it does not affect the report's agreement, as scores at an inexact precision.
    :param identical_documents: Documents with exactly the same items.
    :param largest_difference: Largest difference of two scores of the same item; ``None`` without scores.
    :param gold_original: Gold F1 of the original, that is, against annotations; ``None`` without any.
    :param gold_compiled: Gold F1 of the compiled pipeline.
    :param differing_documents: Numbers of the first documents, from 0, on which they differ.
    :param unsteady_documents: Documents on which the original differs from run to run; such items are not counted.
    :param labels: Counts by label, for kinds that have labels.
    """

    component: str
    annotation: str
    original: int
    compiled: int
    shared: int
    agreement: float | None
    counts: bool
    identical_documents: int
    largest_difference: float | None
    gold_original: float | None
    gold_compiled: float | None
    differing_documents: tuple[int, ...]
    unsteady_documents: int = 0
    labels: dict[str, LabelReport] = field(default_factory=dict)


@dataclass(frozen=True)
class NotCompared:
    """A component, or some of its values, left out of the comparison.

    :param component: A component's name.
    :param reason: The reason, with the values that could not be compared.
    """

    component: str
    reason: str


@dataclass(frozen=True)
class TextFailure:
    """A text on which a pipeline raised.

    :param document: Its number, from 0.
    :param pipeline: ``original`` or ``compiled``.
    :param component: The component that raised.
    :param error: The message.
    """

    document: int
    pipeline: str
    component: str
    error: str


@dataclass(frozen=True)
class PipelineTime:
    """The time a pipeline took, without loading it.

    :param seconds: Seconds for all texts.
    :param words_per_second: Words in a second.
    :param ms_per_text: Mean milliseconds of a text.
    """

    seconds: float
    words_per_second: float
    ms_per_text: float


@dataclass(frozen=True)
class HostReport:
    """Agreement of a compiled pipeline on another host with itself on this one.

    :param host: The other host.
    :param agreement: The lowest F1 of a kind of annotation; ``None`` if nothing was compared.
    :param documents: Number of texts.
    :param identical_documents: Documents with the same annotations.
    :param reason: Why it was not compared.
    """

    host: str
    agreement: float | None = None
    documents: int = 0
    identical_documents: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class VerificationReport:
    """The comparison of two pipelines.

    :param documents: Number of texts.
    :param identical_documents: Documents on which all components agree.
    :param largest_hidden_difference: Largest difference of two hidden states; ``None`` without a transformer.
    :param relative_hidden_error: Root mean square of the differences, relative to the hidden states' own.
    :param unlike_documents: Documents whose hidden states have different shapes: other wordpieces, or other windows.
    :param components: One for each kind of annotation of each component.
    :param not_compared: Components without comparable annotations, and values that cannot be compared.
    :param notes: Notes for the reader of the figures.
    :param failures: Texts on which a pipeline raised; where the original did, nothing is compared.
    :param differences: Every difference.
    :param speed: Times of ``original`` and ``compiled``.
    :param hosts: Other hosts, if they were requested.
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
    speed: Mapping[str, PipelineTime]
    notes: tuple[str, ...] = ()
    hosts: tuple[HostReport, ...] = ()

    @property
    def agreement(self) -> float | None:
        """The lowest agreement of all components; ``None`` if neither pipeline annotates anything."""
        found = [row.agreement for row in self.components if row.counts and row.agreement is not None]
        return min(found, default=None)

    @property
    def compiled_failures(self) -> int:
        """The number of texts on which the compiled pipeline raises, and the original does not."""
        original = {one.document for one in self.failures if one.pipeline == "original"}
        return len({one.document for one in self.failures} - original)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON, with every difference."""
        return {**asdict(self, dict_factory=_as_json), "agreement": self.agreement}

    def summary(self) -> dict[str, Any]:
        """Return the figures without any part of the texts: a pipeline's ``meta.json`` may be published."""
        full = self.to_dict()
        return {key: value for key, value in full.items() if key not in ("differences", "failures")} | {
            "failures": len(self.failures)
        }


def _as_json(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return fields by their keys in JSON, where the annotation's key is ``says``."""
    return {"says" if name == "annotation" else name: value for name, value in fields}
