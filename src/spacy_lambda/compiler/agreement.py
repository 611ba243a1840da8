"""Counts of what two pipelines say: how many items each, how many they share, label by label, and which differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from spacy_lambda.compiler.annotations import LABELLED, Items, Key, has_float, same

__all__ = ["ComponentReport", "Difference", "LabelReport", "Tally", "shared_keys"]

SCORE_TOLERANCE = 1e-3
"""Largest difference of two scores that are the same; of arrays, as a part of their largest value."""

LISTED = 10


@dataclass(frozen=True)
class LabelReport:
    """The counts of one label.

    :param agreement: F1 of both sets.
    """

    original: int
    compiled: int
    shared: int
    agreement: float


@dataclass(frozen=True)
class Difference:
    """One thing of which the pipelines say something else.

    :param document: Number of the text, from 0.
    :param start: First character; ``None`` for what is said of a whole text.
    :param text: The characters, at most 80 of them.
    :param original: What the original says: a label or a value; ``None`` for nothing.
    :param compiled: What the compiled pipeline says.
    """

    document: int
    component: str
    says: str
    start: int | None
    end: int | None
    text: str
    original: str | None
    compiled: str | None


@dataclass(frozen=True)
class ComponentReport:
    """How far two pipelines agree on one kind of what one component says.

    :param component: The component's name.
    :param says: What is compared: ``ents``, ``tags``, ``cats.scores``, ...
    :param original: Number of items that the original says.
    :param compiled: Number of items that the compiled pipeline says.
    :param shared: Number of items that both say.
    :param agreement: F1 of the two sets of items; ``None`` when both are empty.
    :param counts: Whether it counts for the report's agreement; scores do not where precision is int8.
    :param identical_documents: Documents on which both say exactly the same.
    :param largest_difference: Of two scores of the same item; ``None`` for what has no scores.
    :param gold_original: F1 of the original against the annotations; ``None`` without any.
    :param gold_compiled: The same for the compiled pipeline.
    :param differing_documents: Numbers of the first documents, from 0, on which they differ.
    :param unsteady_documents: Documents on which the original says something else each time; what it does not say
        steadily is left out of all counts.
    :param labels: Counts by label, for kinds that have labels.
    """

    component: str
    says: str
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


class Tally:
    """Counts for one kind of annotation of one component, document by document.

    :param component: The component's name.
    :param says: The kind.
    """

    def __init__(self, component: str, says: str) -> None:
        self.component, self.says = component, says
        self.differences: list[Difference] = []
        self.unsteady_documents = 0
        self._counts: dict[str, Counter[str]] = {"original": Counter(), "compiled": Counter(), "shared": Counter()}
        self._differing: list[int] = []
        self._largest: float | None = None
        self._scored = False
        self._gold = Counter[str]()
        self._has_gold = False

    def add(self, number: int, text: str, first: Items, second: Items) -> bool:
        """Count one document; whether both say the same of it."""
        self._scored = self._scored or any(map(has_float, (*first.values(), *second.values())))
        shared = shared_keys(first, second)
        for name, keys in (("original", first), ("compiled", second), ("shared", shared)):
            self._counts[name].update(label for _, _, label, _ in keys)
        for key in first.keys() & second.keys():
            if isinstance(first[key], float) and isinstance(second[key], float):
                distance = abs(first[key] - second[key])
                self._largest = max(self._largest or 0.0, 0.0 if isnan(distance) else distance)
        if len(shared) == len(first) == len(second):
            return True
        self._differing.append(number)
        self.differences += self._different(number, text, first, second, shared)
        return False

    def add_gold(self, first: Items, second: Items, expected: Items) -> None:
        """Count one document that has annotations of this kind."""
        self._has_gold = True
        self._gold.update(expected=len(expected), original=len(first), compiled=len(second))
        self._gold.update(shared_original=_shared(first, expected), shared_compiled=_shared(second, expected))

    def report(self, *, documents: int, exact: bool) -> ComponentReport:
        """The counts as figures.

        :param documents: Number of documents that were compared, those of which nothing was said among them.
        :param exact: Scores have to be the same too.
        """
        original, compiled, shared = (sum(self._counts[name].values()) for name in ("original", "compiled", "shared"))
        gold = [
            _f1(self._gold[f"shared_{name}"], self._gold["expected"], self._gold[name]) if self._has_gold else None
            for name in ("original", "compiled")
        ]
        return ComponentReport(
            component=self.component,
            says=self.says,
            original=original,
            compiled=compiled,
            shared=shared,
            agreement=_f1(shared, original, compiled) if original + compiled else None,
            counts=exact or not self._scored,
            identical_documents=documents - len(self._differing),
            largest_difference=self._largest,
            gold_original=gold[0],
            gold_compiled=gold[1],
            differing_documents=tuple(self._differing[:LISTED]),
            unsteady_documents=self.unsteady_documents,
            labels=self._labels(),
        )

    def _labels(self) -> dict[str, LabelReport]:
        if not self.says.startswith(LABELLED) or "]." in self.says or self.says.startswith(("ents.", "cats.")):
            return {}
        counts = self._counts
        return {
            label: LabelReport(
                counts["original"][label],
                counts["compiled"][label],
                counts["shared"][label],
                _f1(counts["shared"][label], counts["original"][label], counts["compiled"][label]),
            )
            for label in sorted(counts["original"].keys() | counts["compiled"].keys())
        }

    def _different(self, number: int, text: str, first: Items, second: Items, shared: set[Key]) -> Iterator[Difference]:
        """One difference for each place, with what either says there."""
        said: dict[tuple[int | None, int | None], tuple[list[str], list[str]]] = {}
        for side, items in enumerate((first, second)):
            for key, value in items.items():
                if key not in shared:
                    said.setdefault(key[:2], ([], []))[side].append(_shown(key[2], value))
        for (start, end), (old, new) in sorted(said.items(), key=lambda item: (item[0][0] or 0, item[0][1] or 0)):
            excerpt = "" if start is None else text[start : start + 80 if end is None else min(end, start + 80)]
            yield Difference(
                number, self.component, self.says, start, end, excerpt, ", ".join(old) or None, ", ".join(new) or None
            )


def shared_keys(first: Items, second: Items) -> set[Key]:
    """The items that two Docs share, with values that are the same."""
    return {key for key in first if key in second and same(first[key], second[key], SCORE_TOLERANCE)}


def _shared(first: Items, second: Items) -> int:
    return len(shared_keys(first, second))


def _shown(label: str, value: Any) -> str:
    if value is None:
        return label or "yes"
    return f"{label} {value}".strip()[:200]


def _f1(shared: int, expected: int, found: int) -> float:
    return 2 * shared / (expected + found) if expected + found else 1.0
