"""The extension ``doc._.trf_data``, computed from a Doc's encoding when it is read.

spacy-transformers and spacy-curated-transformers register the same extension, without a getter, if there is none of
this name; spaCy then keeps what they assign in ``doc.user_data``. This one keeps it there too, and takes the place of
theirs. So all of them work in one process, in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from spacy.tokens import Doc
from spacy.tokens.underscore import Underscore

from spacy_lambda.runtime.encoder_output import ENCODING_KEY, TRF_DATA, TRF_DATA_KEY, read_encoding, set_encoding

if TYPE_CHECKING:
    from spacy_lambda.runtime.trf_data.views import TransformerOutput

__all__ = ["get_trf_data", "install_extension", "set_trf_data"]

_views: WeakKeyDictionary[Doc, tuple[Sequence[Any], TransformerOutput]] = WeakKeyDictionary()
"""Outputs that were read, each with its encoding: reading one again computes nothing."""


def install_extension() -> None:
    """Register the extension, unless another one with a getter has the name."""
    registered = Underscore.doc_extensions.get(TRF_DATA)
    if registered is None or registered == (None, None, None, None):
        Doc.set_extension(TRF_DATA, getter=get_trf_data, setter=set_trf_data, force=True)


def get_trf_data(doc: Doc) -> Any:
    """Return a Doc's transformer output, or ``None`` when no transformer ran on it."""
    assigned = doc.user_data.get(TRF_DATA_KEY)
    stored = doc.user_data.get(ENCODING_KEY)
    if assigned is not None or stored is None:
        return assigned
    known = _views.get(doc)
    if known is None or known[0] is not stored:
        # Most pipelines never read it: their cold start does not import it.
        from spacy_lambda.runtime.trf_data.views import make_view

        _views[doc] = known = (stored, make_view(read_encoding(stored)))
    return known[1]


def set_trf_data(doc: Doc, value: Any) -> None:
    """Replace a Doc's transformer output; ``None`` frees the hidden states, and listeners then read zeros."""
    _views.pop(doc, None)
    doc.user_data.pop(ENCODING_KEY, None)
    doc.user_data.pop(TRF_DATA_KEY, None)
    encoding = getattr(value, "encoding", None)
    if encoding is not None:
        set_encoding(doc, encoding)
    else:
        doc.user_data[TRF_DATA_KEY] = value
