"""The account of a conversion: each entity is kept, or dropped for a named reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.core.counts import count

__all__ = ["Account", "ConversionReport", "Example"]

MAX_EXAMPLES = 5
"""Examples of each kind in a report."""

SHOWN = 80
"""Characters of an example's text."""


@dataclass(frozen=True)
class Example:
    """An example of something that a report counts.

    :param place: File and line.
    :param document: The document's identifier.
    :param label: The span's label; empty for a document.
    :param text: The annotated text.
    :param detail: Details, such as the new bounds.
    """

    place: str
    document: str = ""
    label: str = ""
    text: str = ""
    detail: str = ""


@dataclass(frozen=True)
class ConversionReport:
    """The report of a conversion.

    :param source: The source.
    :param format: Its format.
    :param destinations: The files that were written, with their documents.
    :param documents: Number of documents that were written.
    :param left_out: Documents that were not written, by reason.
    :param entities: Number of entities in the source.
    :param kept: Entities that were written.
    :param dropped: Entities that were not written, by reason.
    :param adjusted: Entities that were written with other bounds, by kind.
    :param labels: For each label, entities in the source and those written.
    :param examples: Examples by kind or reason.
    :param notes: Other observations, with the number of each.
    """

    source: str
    format: str
    destinations: Mapping[str, int]
    documents: int
    left_out: Mapping[str, int]
    entities: int
    kept: int
    dropped: Mapping[str, int]
    adjusted: Mapping[str, int]
    labels: Mapping[str, tuple[int, int]]
    examples: Mapping[str, tuple[Example, ...]]
    notes: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        labels = {label: {"entities": every, "kept": kept} for label, (every, kept) in self.labels.items()}
        examples = {kind: [vars(one) for one in found] for kind, found in self.examples.items()}
        return {**vars(self), "labels": labels, "examples": examples}


class Account:
    """Counts of a conversion while it goes on."""

    def __init__(self) -> None:
        self.documents = 0
        self._left_out = Counter[str]()
        self._read = Counter[str]()
        self._kept = Counter[str]()
        self._dropped = Counter[str]()
        self._adjusted = Counter[str]()
        self._notes = Counter[str]()
        self._examples: dict[str, list[Example]] = defaultdict(list)

    def read(self, document: AnnotatedDocument) -> None:
        """Count the entities of a document that was read."""
        self._read.update(span.label for span in document.spans)

    def leave_out(self, document: AnnotatedDocument, reason: str) -> None:
        """Count a document that is not converted, with its entities."""
        self._left_out[reason] += 1
        self._add(reason, Example(document.place(), document.id, text=document.text[:SHOWN]))
        self._dropped[reason] += len(document.spans)

    def keep(self, document: AnnotatedDocument) -> None:
        """Count a document that is written, with its entities and the changes of their bounds."""
        self.documents += 1
        self._kept.update(span.label for span in document.spans)
        for span in document.spans:
            for change in span.adjustments:
                self._adjusted[change.kind] += 1
                place, text = document.place(span), change.text[:SHOWN]
                self._add(change.kind, Example(place, document.id, span.label, text, change.detail))

    def drop(self, reason: str, document: AnnotatedDocument, span: AnnotatedSpan, detail: str = "") -> None:
        """Count an entity that is not written."""
        self._dropped[reason] += 1
        self._add(reason, _example(document, span, detail))

    def note(self, message: str, place: str, *, number: int = 1, detail: str = "") -> None:
        """Count an observation.

        :param message: A noun phrase in the plural.
        """
        self._notes[message] += number
        self._add(message, Example(place, detail=detail))

    def note_columns(self, names: Sequence[str], file: str) -> None:
        """Count the columns of a table that are not converted."""
        if names:
            self.note("columns of tables, not converted", file, number=len(names), detail=", ".join(names)[:SHOWN])

    def _add(self, kind: str, example: Example) -> None:
        if len(self._examples[kind]) < MAX_EXAMPLES:
            self._examples[kind].append(example)

    def report(self, source: str, format_name: str, destinations: Mapping[str, int]) -> ConversionReport:
        """Return the report; every entity is in it exactly once."""
        entities, kept, dropped = self._read.total(), self._kept.total(), self._dropped.total()
        assert entities == kept + dropped, f"{count(entities, 'entity', 'entities')}: {kept} kept, {dropped} dropped"
        return ConversionReport(
            source=source,
            format=format_name,
            destinations=dict(destinations),
            documents=self.documents,
            left_out=dict(self._left_out),
            entities=entities,
            kept=kept,
            dropped=_by_size(self._dropped),
            adjusted=_by_size(self._adjusted),
            labels={label: (self._read[label], self._kept[label]) for label in sorted(+self._read)},
            examples={kind: tuple(found) for kind, found in self._examples.items()},
            notes=dict(self._notes),
        )


def _by_size(counts: Counter[str]) -> dict[str, int]:
    return {kind: number for kind, number in counts.most_common() if number}


def _example(document: AnnotatedDocument, span: AnnotatedSpan, detail: str) -> Example:
    text = document.annotated_text(span)[:SHOWN]
    return Example(document.place(span), document.id, span.label, text or (span.text or "")[:SHOWN], detail)
