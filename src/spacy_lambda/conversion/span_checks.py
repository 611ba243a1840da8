"""Spans of a document -> those that are sound: inside the text, not empty, without white space at their ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.offset_units import matches
from spacy_lambda.conversion.policies import Discontinuous

__all__ = ["one_fragment", "sound"]

OUT_OF_BOUNDS = "out of bounds"
EMPTY = "empty"
DIFFERENT = "different text"
DUPLICATE = "duplicate"
NO_LABEL = "no label"
DISCONTINUOUS = "discontinuous"


def sound(document: AnnotatedDocument, account: Account) -> AnnotatedDocument:
    """Return the document with its sound spans; the others are counted."""
    seen = set[tuple[object, str]]()
    spans = []
    for span in document.spans:
        problem, detail = _problem(document, span)
        if problem is not None:
            account.drop(problem, document, span, detail)
            continue
        trimmed = _trimmed(document, span)
        if (trimmed.fragments, trimmed.label) in seen:
            account.drop(DUPLICATE, document, span)
            continue
        seen.add((trimmed.fragments, trimmed.label))
        if (trimmed.start, trimmed.end) != (span.start, span.end):
            account.adjust("trimmed", document, span, "white space at its ends")
        spans.append(trimmed)
    return replace(document, spans=tuple(spans))


def _problem(document: AnnotatedDocument, span: AnnotatedSpan) -> tuple[str | None, str]:
    length = len(document.text)
    bounds = f"{span.start}-{span.end}"
    if not span.label.strip():
        return NO_LABEL, bounds
    if any(start < 0 or end > length or end < start for start, end in span.fragments):
        return OUT_OF_BOUNDS, f"{bounds}, in a text of {length:,} characters"
    if not document.annotated_text(span).strip():
        return EMPTY, bounds
    if not matches(document, span):
        return DIFFERENT, f"{bounds}; annotated as {(span.text or '')[:80]!r}"
    return None, ""


def _trimmed(document: AnnotatedDocument, span: AnnotatedSpan) -> AnnotatedSpan:
    """Return a span without white space at the ends, and its fragments with nothing but white space between as one."""
    text = document.text
    fragments: list[tuple[int, int]] = []
    for first, last in sorted(span.fragments):
        covered = text[first:last]
        if not covered.strip():
            continue
        start, end = first + len(covered) - len(covered.lstrip()), last - len(covered) + len(covered.rstrip())
        if fragments and (start <= fragments[-1][1] or not text[fragments[-1][1] : start].strip()):
            fragments[-1] = (fragments[-1][0], max(end, fragments[-1][1]))
        else:
            fragments.append((start, end))
    return replace(span, fragments=tuple(fragments))


def one_fragment(
    document: AnnotatedDocument, account: Account, policy: Discontinuous
) -> tuple[AnnotatedDocument, list[AnnotatedSpan]]:
    """Return the document with spans of one fragment, and the spans that were dropped."""
    dropped: list[AnnotatedSpan] = []
    spans = tuple(_joined(document, account, policy, dropped))
    return replace(document, spans=spans), dropped


def _joined(
    document: AnnotatedDocument, account: Account, policy: Discontinuous, dropped: list[AnnotatedSpan]
) -> Iterator[AnnotatedSpan]:
    for span in document.spans:
        if not span.is_discontinuous:
            yield span
        elif policy == "drop":
            account.drop(DISCONTINUOUS, document, span)
            dropped.append(span)
        else:
            covered = document.text[span.start : span.end]
            account.adjust("joined", document, span, f"to {covered[:80]!r}")
            yield replace(span, fragments=((span.start, span.end),), text=None)
