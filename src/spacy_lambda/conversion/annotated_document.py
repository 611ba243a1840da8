"""An annotated document as every format is read and written: text, and spans by character offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from spacy_lambda.conversion.policies import OffsetUnit

__all__ = ["AGAIN", "ANOTHER", "CANCELLED", "NOT_ANNOTATED", "Adjustment", "AnnotatedDocument", "AnnotatedSpan", "Line"]

Line = int | str
"""Number of a line, from 1; such as ``1, item 7`` in a file of JSON with several documents in a line."""

ANOTHER = "another annotator's"
AGAIN = "annotated again"
CANCELLED = "cancelled by the annotator"
NOT_ANNOTATED = "not annotated"
"""Reasons for which a tool's document is not converted."""


@dataclass(frozen=True)
class Adjustment:
    """A change of a span's bounds.

    :param kind: Its kind, such as ``trimmed``.
    :param text: The text that the span covered before.
    :param detail: The change.
    """

    kind: str
    text: str
    detail: str


@dataclass(frozen=True)
class AnnotatedSpan:
    """An annotated span.

    :param fragments: First character and the one after the last of each fragment; several if it is discontinuous.
    :param label: Its label.
    :param line: Its line in the file; 0 if unknown.
    :param text: The annotated text, if the format has it.
    :param kb_id: Identifier in a knowledge base; empty if it has none.
    :param id: Identifier of the span, as ``Span.id_``; empty if it has none.
    :param adjustments: Changes of its bounds since it was read.
    """

    fragments: tuple[tuple[int, int], ...]
    label: str
    line: Line = field(default=0, compare=False)
    text: str | None = field(default=None, compare=False)
    kb_id: str = field(default="", compare=False)
    id: str = field(default="", compare=False)
    adjustments: tuple[Adjustment, ...] = field(default=(), compare=False)

    @property
    def start(self) -> int:
        """The first character."""
        return self.fragments[0][0]

    @property
    def end(self) -> int:
        """The character after the last."""
        return self.fragments[-1][1]

    @property
    def is_discontinuous(self) -> bool:
        """True if it has several fragments."""
        return len(self.fragments) > 1


@dataclass(frozen=True)
class AnnotatedDocument:
    """A document with its annotated spans.

    :param id: Its identifier.
    :param text: Its text.
    :param spans: Spans, in the order of the file.
    :param file: The file's name.
    :param line: Its first line in the file.
    :param group: Documents of one group stay in one split; ``None`` if it is alone.
    :param tokens: First character and the one after the last of each token, if the format has tokens.
    :param sentences: Indexes of the tokens that begin a sentence, if the format has sentences.
    :param missing: Parts of the text that may be annotated or not, because a span was dropped.
    :param unit: Unit of the offsets, if the format defines it; where spans have a text, another that fits better wins.
    :param left_out: The reason why it is not converted, such as an annotator's rejection.
    :param other_groups: Further groups that it is in.
    :param cats: Its categories, as ``doc.cats``.
    """

    id: str
    text: str
    spans: tuple[AnnotatedSpan, ...]
    file: str = field(default="", compare=False)
    line: Line = field(default=1, compare=False)
    group: str | None = field(default=None, compare=False)
    tokens: tuple[tuple[int, int], ...] | None = field(default=None, compare=False)
    sentences: tuple[int, ...] = field(default=(), compare=False)
    missing: tuple[tuple[int, int], ...] = field(default=(), compare=False)
    unit: OffsetUnit | None = field(default=None, compare=False)
    left_out: str | None = field(default=None, compare=False)
    other_groups: tuple[str, ...] = field(default=(), compare=False)
    cats: Mapping[str, float] = field(default_factory=dict, compare=False)

    def place(self, span: AnnotatedSpan | None = None) -> str:
        """Return the file and the line of the document, or of a span."""
        line = span.line if span is not None and span.line else self.line
        return f"{self.file}:{line}"

    def without(self, dropped: Sequence[AnnotatedSpan], *, kept: Sequence[AnnotatedSpan]) -> AnnotatedDocument:
        """Return the document with other spans; whether the text of dropped ones has annotations is then unknown."""
        length = len(self.text)
        places = (sorted(place) for span in dropped for place in span.fragments)
        inside = ((max(start, 0), min(end, length)) for start, end in places if start < length and end > 0)
        return replace(self, spans=tuple(kept), missing=(*self.missing, *inside))

    def adjusted(
        self, span: AnnotatedSpan, kind: str, detail: str, *, fragments: tuple[tuple[int, int], ...]
    ) -> AnnotatedSpan:
        """Return a span with other bounds, and a record of the change."""
        change = Adjustment(kind, self.annotated_text(span), detail)
        return replace(span, fragments=fragments, adjustments=(*span.adjustments, change))

    def annotated_text(self, span: AnnotatedSpan) -> str:
        """Return a span's text, the fragments of a discontinuous one with a space between them."""
        return " ".join(self.text[start:end] for start, end in span.fragments)
