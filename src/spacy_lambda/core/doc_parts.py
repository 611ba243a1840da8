"""Parts of a Doc that a request may ask for."""

from __future__ import annotations

__all__ = ["DOC_PARTS"]

DOC_PARTS = ("ents", "sents", "tokens", "cats", "spans")
"""Values of ``include``, and keys of the prediction."""
