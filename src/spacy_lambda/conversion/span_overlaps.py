"""Spans -> spans of which no two share a character."""

from __future__ import annotations

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.policies import Overlaps

__all__ = ["OVERLAPPING", "without_overlaps"]

OVERLAPPING = "overlapping"


def without_overlaps(document: AnnotatedDocument, account: Account, policy: Overlaps) -> AnnotatedDocument:
    """Return the document with the longest spans, as spaCy's ``filter_spans``, or those that the file has first.

    Of what the others cover beside them it is unknown if it is annotated.

    :param policy: ``spans`` changes nothing.
    """
    if policy == "spans":
        return document
    order = range(len(document.spans))
    if policy == "longest":
        order_key = {index: (span.start - span.end, span.start, index) for index, span in enumerate(document.spans)}
        chosen = sorted(order, key=order_key.__getitem__)
    else:
        chosen = list(order)
    taken: dict[int, AnnotatedSpan] = {}
    owners: dict[int, AnnotatedSpan] = {}
    for index in chosen:
        span = document.spans[index]
        other = owners.get(span.start) or owners.get(span.end - 1) or _inside(owners, span)
        if other is not None:
            account.drop(OVERLAPPING, document, span, f"{other.label} {document.annotated_text(other)[:80]!r} is kept")
        else:
            taken[index] = span
            owners.update(dict.fromkeys(range(span.start, span.end), span))
    dropped = [span for index, span in enumerate(document.spans) if index not in taken]
    return document.without(dropped, kept=[taken[index] for index in sorted(taken)])


def _inside(owners: dict[int, AnnotatedSpan], span: AnnotatedSpan) -> AnnotatedSpan | None:
    return next((owners[position] for position in range(span.start, span.end) if position in owners), None)
