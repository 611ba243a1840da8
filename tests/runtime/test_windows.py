"""Windows of tokens."""

from __future__ import annotations

import pytest
import spacy

from spacy_lambda.runtime.windows import Windows, make_span_getter, strided_windows


@pytest.mark.parametrize(
    ("n_tokens", "expected"),
    [
        (0, []),
        (1, [(0, 1)]),
        (3, [(0, 3)]),
        (4, [(0, 4)]),
        (5, [(0, 4), (3, 5)]),
        (6, [(0, 4), (3, 6)]),
        (7, [(0, 4), (3, 7)]),
        (8, [(0, 4), (3, 7), (6, 8)]),
    ],
)
def test_strided_windows(n_tokens: int, expected: Windows) -> None:
    assert strided_windows(n_tokens, window=4, stride=3) == expected


@pytest.mark.parametrize("stride", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("window", [1, 2, 5, 8])
def test_strided_windows_follow_spacy_transformers(window: int, stride: int) -> None:
    expected = {n_tokens: documented_windows(n_tokens, window, stride) for n_tokens in range(20)}
    assert {n_tokens: strided_windows(n_tokens, window=window, stride=stride) for n_tokens in expected} == expected


def documented_windows(n_tokens: int, window: int, stride: int) -> Windows:
    """Return the windows of the loop of ``strided_spans.v1``, as its documentation describes it."""
    windows = []
    start = 0
    for _ in range(n_tokens // stride):
        windows.append((start, min(start + window, n_tokens)))
        if start + window >= n_tokens:
            break
        start += stride
    else:
        if start < n_tokens:
            windows.append((start, n_tokens))
    return windows


def test_doc_and_sentence_windows() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    doc = nlp("It grows. It melts.")
    assert make_span_getter("doc_spans", window=0, stride=0)(doc) == [(0, 6)]
    assert make_span_getter("sent_spans", window=0, stride=0)(doc) == [(0, 3), (3, 6)]
    assert make_span_getter("doc_spans", window=0, stride=0)(nlp("")) == []


def test_unknown_span_getter() -> None:
    with pytest.raises(ValueError, match="known: strided_spans, doc_spans, sent_spans"):
        make_span_getter("paragraph_spans", window=1, stride=1)  # type: ignore[arg-type]
