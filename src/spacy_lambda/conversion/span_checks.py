"""Spans of a document -> those that are sound: inside the text, not empty, without white space at their ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.offset_units import in_word, matches
from spacy_lambda.conversion.policies import Discontinuous

__all__ = ["keep_sound_spans", "one_fragment"]

OUT_OF_BOUNDS = "out of bounds"
EMPTY = "empty"
DIFFERENT = "different text"
DUPLICATE = "duplicate"
NO_LABEL = "no label"
DISCONTINUOUS = "discontinuous"

CONTIGUOUS = "joined at white space"
"""Adjustment of a span whose fragments are not apart."""


def keep_sound_spans(document: AnnotatedDocument, account: Account) -> AnnotatedDocument:
    """Return the document with its sound spans; the others are counted."""
    seen = set[tuple[object, str]]()
    spans: list[AnnotatedSpan] = []
    dropped: list[AnnotatedSpan] = []
    searched = set[str | None]()
    for span in document.spans:
        problem, detail = _problem(document, span)
        if problem is not None:
            account.drop(problem, document, span, detail)
            dropped.append(span)
            if problem == DIFFERENT and span.text not in searched:
                searched.add(span.text)
                dropped += _elsewhere(document, span)
            continue
        trimmed = _trimmed(document, span)
        if (trimmed.fragments, trimmed.label) in seen:
            account.drop(DUPLICATE, document, span)
            continue
        seen.add((trimmed.fragments, trimmed.label))
        spans.append(trimmed)
    return document.without(dropped, kept=spans)


def _elsewhere(document: AnnotatedDocument, span: AnnotatedSpan) -> Iterator[AnnotatedSpan]:
    """Yield the places at which a span's text occurs as words, if it is not at the span's offsets."""
    words = (span.text or "").strip()
    start = document.text.find(words) if words else -1
    while start >= 0:
        end = start + len(words)
        if not (in_word(document.text, start) or in_word(document.text, end)):
            yield replace(span, fragments=((start, end),))
        start = document.text.find(words, end)


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
    """Return a span without white space at the ends, and its fragments with nothing but white space between as one.

    brat ends a fragment where a line ends, as the spans of its files cannot have line breaks.
    """
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
    if tuple(fragments) == tuple(sorted(span.fragments)):
        return replace(span, fragments=tuple(fragments))
    ends = fragments[0][0], fragments[-1][1]
    if len(fragments) < len(span.fragments):
        detail = f"{len(span.fragments)} fragments, to {text[slice(*ends)][:80]!r}"
        return document.adjusted(span, CONTIGUOUS, detail, fragments=tuple(fragments))
    return document.adjusted(span, "trimmed", "white space at its ends", fragments=tuple(fragments))


def one_fragment(document: AnnotatedDocument, account: Account, policy: Discontinuous) -> AnnotatedDocument:
    """Return the document with spans of one fragment."""
    spans: list[AnnotatedSpan] = []
    dropped: list[AnnotatedSpan] = []
    for span in document.spans:
        if not span.is_discontinuous:
            spans.append(span)
        elif policy == "drop":
            account.drop(DISCONTINUOUS, document, span)
            dropped.append(span)
        else:
            ends = (span.start, span.end)
            detail = f"to {document.text[slice(*ends)][:80]!r}"
            spans.append(document.adjusted(span, "joined", detail, fragments=(ends,)))
    return document.without(dropped, kept=spans)
