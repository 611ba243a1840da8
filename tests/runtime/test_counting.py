"""Wordpieces that were counted are not made again, and are made again where the windows have changed since."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.runtime.encoding import get_encoding

TEXT = "Thin films of iron oxide were grown on silicon by pulsed laser deposition. " * 30


def encoded(nlp: Language, doc: Doc) -> Any:
    found = get_encoding(nlp.get_pipe("transformer")(doc))
    assert found is not None
    return found


def merge(doc: Doc) -> None:
    with doc.retokenize() as retokenizer:
        for start in range(0, 300, 10):
            retokenizer.merge(doc[start : start + 3])


@pytest.mark.parametrize("change", [lambda doc: None, merge], ids=["the same tokens", "merged tokens"])
def test_what_was_counted_changes_no_encoding(change: Any, bundled: Language) -> None:
    counted, fresh = bundled.make_doc(TEXT), bundled.make_doc(TEXT)
    encoder: Any = bundled.get_pipe("transformer")
    assert encoder.count_wordpieces(counted) > len(counted)
    change(counted)
    change(fresh)
    first, second = encoded(bundled, counted), encoded(bundled, fresh)
    assert np.array_equal(first.hidden, second.hidden)
    assert np.array_equal(first.rows, second.rows)
    assert counted.user_data.keys() == fresh.user_data.keys()


def test_each_window_is_tokenized_once(bundled: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder: Any = bundled.get_pipe("transformer")
    tokenizer, seen = encoder._tokenizer, list[str]()

    def noted(text: str) -> Any:
        seen.append(text)
        return tokenizer(text)

    monkeypatch.setattr(encoder, "_tokenizer", noted)
    doc = bundled.make_doc(TEXT)
    encoder.count_wordpieces(doc)
    windows = len(seen)
    encoder(doc)
    assert 1 < windows == len(seen)
