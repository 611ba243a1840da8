"""Doc -> token windows, cut exactly as the span getters of spacy-transformers cut them.

Other span getters are functions that a pipeline brings, and are called as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from spacy.tokens import Doc

from spacy_lambda.errors import EncoderError

__all__ = [
    "CustomSpanGetter",
    "SpanGetter",
    "Windows",
    "custom_windows",
    "doc_windows",
    "make_span_getter",
    "sentence_windows",
    "strided_windows",
]

SpanGetter = Literal["strided_spans", "doc_spans", "sent_spans"]

CustomSpanGetter = Callable[[list[Doc]], Any]
"""A registered function: Docs -> spans of each Doc."""

Windows = list[tuple[int, int]]
"""Token bounds of each window: start inclusive, end exclusive. Windows may overlap; none is empty."""


def strided_windows(n_tokens: int, *, window: int, stride: int) -> Windows:
    """Windows of a fixed number of tokens, the next one ``stride`` tokens further.

    The last window reaches the end of the text. Follows ``spacy-transformers.strided_spans.v1``, including
    which windows it makes when the text's length is a multiple of the stride.

    :param n_tokens: Length of the text.
    :param window: Tokens in a window.
    :param stride: Tokens from one window's start to the next one's.
    """
    windows: Windows = []
    start = 0
    for _ in range(n_tokens // stride):
        windows.append((start, min(start + window, n_tokens)))
        if start + window >= n_tokens:
            return windows
        start += stride
    if start < n_tokens:
        windows.append((start, n_tokens))
    return windows


def doc_windows(doc: Doc) -> Windows:
    """Return the whole text as one window; no window for an empty text."""
    return [(0, len(doc))] if len(doc) else []


def sentence_windows(doc: Doc) -> Windows:
    """Return a window for each sentence.

    :raises ValueError: If nothing before the transformer sets sentence bounds.
    """
    return [(sent.start, sent.end) for sent in doc.sents]


def custom_windows(doc: Doc, get_spans: CustomSpanGetter) -> Windows:
    """Return the spans of a registered function; none for an empty text, as in spacy-transformers.

    :raises EncoderError: If it does not return a list of spans of the Doc, or an empty span.
    """
    if not len(doc):
        return []
    found = list(get_spans([doc]))
    spans: list[Any] = list(found[0]) if len(found) == 1 else [None]
    if any(getattr(span, "doc", None) is not doc for span in spans):
        raise _span_error("something other than one list of spans for one Doc")
    if any(span.start >= span.end for span in spans):
        raise _span_error("an empty span")
    return [(span.start, span.end) for span in spans]


def _span_error(what: str) -> EncoderError:
    return EncoderError(
        f"the span getter returned {what}",
        remedy="correct the function that is registered under span_getters; spacy-transformers fails on it too",
    )


def make_span_getter(name: SpanGetter | CustomSpanGetter, *, window: int, stride: int) -> Callable[[Doc], Windows]:
    """Return the function that cuts a Doc into windows.

    :param name: The span getter's registered name, without namespace and version, or a function of the pipeline's own.
    :param window: For ``strided_spans``: tokens in a window.
    :param stride: For ``strided_spans``: tokens from one window to the next.
    :raises ValueError: If the name is unknown.
    """
    if callable(name):
        return partial(custom_windows, get_spans=name)
    if name == "strided_spans":
        return partial(_strided_windows, window=window, stride=stride)
    if name == "doc_spans":
        return doc_windows
    if name == "sent_spans":
        return sentence_windows
    raise ValueError(f"unknown span getter {name!r}; known: strided_spans, doc_spans, sent_spans")


def _strided_windows(doc: Doc, *, window: int, stride: int) -> Windows:
    return strided_windows(len(doc), window=window, stride=stride)
