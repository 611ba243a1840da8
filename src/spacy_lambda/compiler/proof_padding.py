"""The original without the padding of ``doc._.trf_data``, which a compiled pipeline has as 0.

A component that reads padding gives other numbers than the original's. Where the precision may change numbers too, only
this shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens.underscore import Underscore

from spacy_lambda.compiler.doc_trace import DocTrace, trace_text
from spacy_lambda.runtime.encoder_output import TRF_DATA
from spacy_lambda.runtime.trf_data.extension import get_trf_data, set_trf_data

__all__ = ["trace_without_padding"]


def trace_without_padding(nlp: Language, text: str) -> DocTrace:
    """Trace an original on a text, with 0 for the hidden states of padding."""
    with _cleared_padding():
        return trace_text(nlp, text)


@contextmanager
def _cleared_padding() -> Iterator[None]:
    registered = Underscore.doc_extensions.get(TRF_DATA)
    Doc.set_extension(TRF_DATA, getter=get_trf_data, setter=_set_cleared, force=True)
    try:
        yield
    finally:
        Doc.remove_extension(TRF_DATA)
        if registered is not None:
            Underscore.doc_extensions[TRF_DATA] = registered


def _set_cleared(doc: Doc, data: Any) -> None:
    if hasattr(data, "wordpieces") and "last_hidden_state" in data.model_output:
        hidden = np.array(data.model_output.last_hidden_state)
        hidden[np.asarray(data.wordpieces.attention_mask) == 0] = 0
        data.model_output["last_hidden_state"] = hidden
    set_trf_data(doc, data)
