"""Values of a request's options ``include`` and ``long_text``."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["DOC_PARTS", "LONG_TEXT", "LongText"]

DOC_PARTS = ("ents", "sents", "tokens", "cats", "spans")
"""Values of ``include``, and keys of the prediction: parts of a Doc."""

LongText = Literal["refuse", "split"]
"""Values of ``long_text``: treatment of texts over the function's limit."""

LONG_TEXT: tuple[LongText, ...] = get_args(LongText)
