"""How far the hidden states of two pipelines are apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from spacy.tokens import Doc

from spacy_lambda.compiler.doc_content import TORCH_EXTENSION
from spacy_lambda.compiler.stepwise import Failure
from spacy_lambda.runtime.encoder_output import get_encoding

__all__ = ["HiddenTally"]


class HiddenTally:
    """The differences of the hidden states, over all documents."""

    def __init__(self) -> None:
        self.largest: float | None = None
        self.unlike = 0
        self._squared = self._size = 0.0

    @property
    def relative(self) -> float | None:
        """Root mean square of the differences as a part of the hidden states' own."""
        return None if self.largest is None else float(np.sqrt(self._squared / max(self._size, 1e-12)))

    def add(self, original: Iterable[Doc | Failure], compiled: Iterable[Doc | Failure]) -> None:
        """Compare the hidden states of documents that a transformer has just seen."""
        for first, second in zip(original, compiled, strict=True):
            if isinstance(first, Doc) and isinstance(second, Doc):
                self._add(_torch_rows(first), get_encoding(second))

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


def _torch_rows(doc: Doc) -> Any:
    """The hidden states that spacy-transformers left on a Doc, without padding. *Shape:* ``(n_pieces, width)``"""
    data = getattr(doc._, TORCH_EXTENSION, None) if Doc.has_extension(TORCH_EXTENSION) else None
    if data is None or "last_hidden_state" not in data.model_output:
        return None
    hidden = data.model_output.last_hidden_state
    mask = np.asarray(data.wordpieces.attention_mask) > 0
    return hidden[mask]
