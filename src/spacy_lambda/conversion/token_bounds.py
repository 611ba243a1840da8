"""Spans of characters -> spans that begin and end with tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.policies import Misaligned

__all__ = ["MISALIGNED", "fitted", "token_span"]

MISALIGNED = "misaligned"
ADJUSTED: dict[Misaligned, str] = {"expand": "expanded", "contract": "contracted"}

Bounds = Sequence[tuple[int, int]]
"""First character and the one after the last of each token."""


def fitted(document: AnnotatedDocument, tokens: Bounds, account: Account, policy: Misaligned) -> AnnotatedDocument:
    """Return the document with spans that fit its tokens."""
    spans: dict[tuple[int, int, str], AnnotatedSpan] = {}
    dropped: list[AnnotatedSpan] = []
    for span in document.spans:
        place = _fitting(span, tokens, policy)
        if place is None:
            account.drop(MISALIGNED, document, span, _around(document, span, tokens))
            dropped.append(span)
        elif (*place, span.label) in spans:
            account.drop("duplicate", document, span, f"after it was {ADJUSTED.get(policy, 'fitted')}")
        elif place == (span.start, span.end):
            spans[(*place, span.label)] = span
        else:
            detail = f"to {document.text[slice(*place)][:80]!r}"
            spans[(*place, span.label)] = document.adjusted(span, ADJUSTED[policy], detail, fragments=(place,))
    return document.without(dropped, kept=[*spans.values()])


def token_span(tokens: Bounds, start: int, end: int) -> tuple[int, int]:
    """Return the first token that a span of characters touches, and the one after the last."""
    first = bisect_right(tokens, start, key=lambda token: token[1])
    return first, bisect_left(tokens, end, key=lambda token: token[0])


def _fitting(span: AnnotatedSpan, tokens: Bounds, policy: Misaligned) -> tuple[int, int] | None:
    """Return the bounds of a span that fit tokens; ``None`` if it is dropped."""
    first, last = token_span(tokens, span.start, span.end)
    if first >= last:
        return None
    if (tokens[first][0], tokens[last - 1][1]) == (span.start, span.end):
        return span.start, span.end
    if policy == "drop":
        return None
    if policy == "contract":
        first += tokens[first][0] < span.start
        last -= tokens[last - 1][1] > span.end
        if first >= last:
            return None
    return tokens[first][0], tokens[last - 1][1]


def _around(document: AnnotatedDocument, span: AnnotatedSpan, tokens: Bounds) -> str:
    first, last = token_span(tokens, span.start, span.end)
    if first >= last:
        return "no token"
    return f"tokens: {document.text[tokens[first][0] : tokens[last - 1][1]][:80]!r}"
