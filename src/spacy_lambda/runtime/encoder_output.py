"""Hidden states on a Doc, from the transformer component for its listeners."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc

__all__ = ["ENCODING_KEY", "Encoding", "Library", "get_encoding", "set_encoding"]

ENCODING_KEY = "spacy_lambda.encoding"

Library = Literal["spacy_transformers", "curated"]
"""The library whose transformer was compiled."""


class Encoding(NamedTuple):
    """The hidden states of one Doc, and which of them belong to which token.

    A plain tuple of arrays, numbers and strings, so that a Doc can be serialized. The fields with defaults are missing
    from Docs that were serialized before they existed.

    :param hidden: Hidden states, windows one after the other. *Shape:* ``(n_wordpieces, width)``
    :param rows: Rows of ``hidden`` for all tokens, token by token. *Shape:* ``(lengths.sum(),)``
    :param lengths: Number of rows of each token. *Shape:* ``(n_tokens,)``
    :param truncated: Windows of which the encoder did not see the end.
    :param layers: Hidden states of all layers, embeddings first, where the pipeline has them.
        *Shape:* ``(n_layers + 1, n_wordpieces, width)``
    :param library: The library of the original's transformer.
    """

    hidden: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    truncated: int = 0
    layers: npt.NDArray[np.float32] | None = None
    library: Library = "spacy_transformers"


def set_encoding(doc: Doc, encoding: Encoding) -> None:
    """Leave a Doc's encoding; with several transformers, the last one's stays, as in spacy-transformers."""
    doc.user_data[ENCODING_KEY] = tuple(encoding)


def get_encoding(doc: Doc) -> Encoding | None:
    """Return the hidden states of a Doc, or ``None`` when no transformer ran on it."""
    found = doc.user_data.get(ENCODING_KEY)
    return None if found is None else Encoding(*found)
