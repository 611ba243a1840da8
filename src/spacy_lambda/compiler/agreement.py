"""Counts of two pipelines' annotations, label by label, and of the differences of their hidden states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import isnan
from typing import Any

import numpy as np
from spacy.tokens import Doc

from spacy_lambda.compiler.annotations import LABELLED, Items, Key, has_float, same
from spacy_lambda.compiler.report import ComponentReport, Difference, LabelReport
from spacy_lambda.compiler.stepwise import FailedDoc
from spacy_lambda.runtime.encoder_output import TRF_DATA, get_encoding

__all__ = ["HiddenTally", "Tally", "original_rows", "shared_keys"]

SCORE_TOLERANCE = 1e-3
"""Largest difference of two scores that count as the same; for arrays, relative to their largest value."""

MAX_LISTED = 10


class Tally:
    """Counts for one kind of annotation of one component, document by document.

    :param component: The component's name.
    :param annotation: The kind of annotation.
    """

    def __init__(self, component: str, annotation: str) -> None:
        self.component, self.annotation = component, annotation
        self.differences: list[Difference] = []
        self.unsteady_documents = 0
        self._counts: dict[str, Counter[str]] = {"original": Counter(), "compiled": Counter(), "shared": Counter()}
        self._differing: list[int] = []
        self._largest: float | None = None
        self._scored = False
        self._gold = Counter[str]()
        self._has_gold = False

    def add(self, number: int, text: str, first: Items, second: Items) -> bool:
        """Count one document, and return whether both pipelines agree on it."""
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
        """Return the counts as figures.

        :param documents: Number of compared documents, with or without annotations.
        :param exact: Require equal scores too.
        """
        original, compiled, shared = (sum(self._counts[name].values()) for name in ("original", "compiled", "shared"))
        gold = [
            _f1(self._gold[f"shared_{name}"], self._gold["expected"], self._gold[name]) if self._has_gold else None
            for name in ("original", "compiled")
        ]
        return ComponentReport(
            component=self.component,
            annotation=self.annotation,
            original=original,
            compiled=compiled,
            shared=shared,
            agreement=_f1(shared, original, compiled) if original + compiled else None,
            counts=exact or not self._scored,
            identical_documents=documents - len(self._differing),
            largest_difference=self._largest,
            gold_original=gold[0],
            gold_compiled=gold[1],
            differing_documents=tuple(self._differing[:MAX_LISTED]),
            unsteady_documents=self.unsteady_documents,
            labels=self._labels(),
        )

    def _labels(self) -> dict[str, LabelReport]:
        if (
            not self.annotation.startswith(LABELLED)
            or "]." in self.annotation
            or self.annotation.startswith(("ents.", "cats."))
        ):
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
        """Yield one difference for each place, with the labels and values of either pipeline."""
        found: dict[tuple[int | None, int | None], tuple[list[str], list[str]]] = {}
        for side, items in enumerate((first, second)):
            for key, value in items.items():
                if key not in shared:
                    found.setdefault(key[:2], ([], []))[side].append(_shown(key[2], value))
        for (start, end), (old, new) in sorted(found.items(), key=lambda item: (item[0][0] or 0, item[0][1] or 0)):
            excerpt = "" if start is None else text[start : start + 80 if end is None else min(end, start + 80)]
            yield Difference(
                number,
                self.component,
                self.annotation,
                start,
                end,
                excerpt,
                ", ".join(old) or None,
                ", ".join(new) or None,
            )


class HiddenTally:
    """The differences of the hidden states, over all documents."""

    def __init__(self) -> None:
        self.largest: float | None = None
        self.unlike = 0
        self._squared = self._size = 0.0

    @property
    def relative(self) -> float | None:
        """Root mean square of the differences relative to the hidden states' own."""
        return None if self.largest is None else float(np.sqrt(self._squared / max(self._size, 1e-12)))

    def add(self, original: Iterable[Any], compiled: Iterable[Doc | FailedDoc]) -> None:
        """Compare the hidden states of documents that a transformer has just seen.

        :param original: Those that :func:`original_rows` returned when the original's transformer had just seen them.
        """
        for expected, second in zip(original, compiled, strict=True):
            if isinstance(second, Doc):
                self._add(expected, get_encoding(second))

    def _add(self, expected: Any, encoding: Any) -> None:
        if expected is None or encoding is None:
            return
        if expected.shape != encoding.hidden.shape:
            self.unlike += 1
            return
        difference = np.abs(expected - encoding.hidden)
        self.largest = max(self.largest or 0.0, float(difference.max(initial=0.0)))
        self._squared += float(np.square(difference).sum())
        self._size += float(np.square(expected).sum())


def shared_keys(first: Items, second: Items) -> set[Key]:
    """Return the items that two Docs share, with the same values."""
    return {key for key in first if key in second and same(first[key], second[key], SCORE_TOLERANCE)}


def _shared(first: Items, second: Items) -> int:
    return len(shared_keys(first, second))


def _shown(label: str, value: Any) -> str:
    if value is None:
        return label or "yes"
    return f"{label} {f'{value:.6g}' if isinstance(value, float) else value}".strip()[:200]


def _f1(shared: int, expected: int, found: int) -> float:
    return 2 * shared / (expected + found) if expected + found else 1.0


def original_rows(doc: Doc | FailedDoc) -> Any:
    """Return the hidden states that the original left on a Doc, without padding; ``None`` if there are none.

    *Shape:* ``(wordpieces, width)``
    """
    data = getattr(doc._, TRF_DATA, None) if isinstance(doc, Doc) and Doc.has_extension(TRF_DATA) else None
    if data is None:
        return None
    if not hasattr(data, "wordpieces"):  # spacy-curated-transformers' output
        return data.last_hidden_layer_state.dataXd
    if "last_hidden_state" not in data.model_output:
        return None
    hidden = data.model_output.last_hidden_state
    mask = np.asarray(data.wordpieces.attention_mask) > 0
    return hidden[mask]
