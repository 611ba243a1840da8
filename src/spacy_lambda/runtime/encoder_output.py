"""Hidden states on a Doc, from the transformer component for its listeners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc

from spacy_lambda.errors import EncoderError

__all__ = [
    "ENCODING_KEY",
    "TRF_DATA",
    "TRF_DATA_KEY",
    "EncodedWordpieces",
    "Encoding",
    "Library",
    "OutputFormat",
    "encoding_for_listener",
    "get_encoding",
    "read_encoding",
    "set_encoding",
]

ENCODING_KEY = "spacy_lambda.encoding"

TRF_DATA = "trf_data"
"""The extension in which both libraries leave a transformer's output: ``doc._.trf_data``."""

TRF_DATA_KEY: Any = ("._.", TRF_DATA, None, None)
"""Its key in ``doc.user_data``, where spaCy keeps the values of extensions."""

Library = Literal["spacy_transformers", "curated"]
"""The library whose transformer was compiled."""


class EncodedWordpieces(NamedTuple):
    """The wordpieces of one Doc, windows one after the other, special ones included.

    :param ids: Vocabulary ids. *Shape:* ``(n_wordpieces,)``
    :param lengths: Number of wordpieces of each window. *Shape:* ``(n_windows,)``
    :param strings: The wordpieces as strings.
    :param types: Token types, or ``None`` if they are all 0. *Shape:* ``(n_wordpieces,)``
    """

    ids: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    strings: list[str]
    types: npt.NDArray[np.int32] | None = None


class OutputFormat(NamedTuple):
    """The form of ``doc._.trf_data`` in the original, beyond its values.

    :param pad_token: The wordpiece that pads shorter windows.
    :param pad_id: Its vocabulary id.
    :param token_types: ``True`` if the tokenizer gives token types.
    :param outputs: Names of the model's outputs, in order.
    :param max_length: Wordpieces after which a window is truncated; 0 if unknown.
    :param padding_side: The side on which shorter windows are padded.
    :param pad_type_id: The token type of padding.
    """

    pad_token: str = "[PAD]"
    pad_id: int = 0
    token_types: bool = False
    outputs: Sequence[str] = ("last_hidden_state",)
    max_length: int = 0
    padding_side: str = "right"
    pad_type_id: int = 0


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
    :param wordpieces: The wordpieces, where the library leaves them on the Doc.
    :param format: The form of the original's output.
    :param pooled: The pooled output of each window, where the pipeline has it. *Shape:* ``(n_windows, width)``
    """

    hidden: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    truncated: int = 0
    layers: npt.NDArray[np.float32] | None = None
    library: Library = "spacy_transformers"
    wordpieces: EncodedWordpieces | None = None
    format: OutputFormat = OutputFormat()
    pooled: npt.NDArray[np.float32] | None = None


def set_encoding(doc: Doc, encoding: Encoding) -> None:
    """Leave a Doc's encoding; with several transformers, the last one's stays, as in spacy-transformers."""
    doc.user_data.pop(TRF_DATA_KEY, None)
    wordpieces: Any = None if encoding.wordpieces is None else tuple(encoding.wordpieces)
    form: Any = tuple(encoding.format)
    doc.user_data[ENCODING_KEY] = tuple(encoding._replace(wordpieces=wordpieces, format=form))


def get_encoding(doc: Doc) -> Encoding | None:
    """Return the hidden states of a Doc, or ``None`` when no transformer ran on it."""
    found = doc.user_data.get(ENCODING_KEY)
    return None if found is None else read_encoding(found)


def encoding_for_listener(doc: Doc) -> Encoding | None:
    """Return the hidden states that a component reads, or ``None`` when no transformer ran on the Doc.

    :raises EncoderError: If the only transformer that ran is not compiled: its output is in another form.
    """
    found = get_encoding(doc)
    if found is None and doc.user_data.get(TRF_DATA_KEY) is not None:
        raise EncoderError(
            "a compiled component follows a transformer that is not compiled, and cannot read its output",
            remedy="join the original components in one pipeline, and compile that",
        )
    return found


def read_encoding(stored: Sequence[Any]) -> Encoding:
    """Return an encoding from the plain tuple, or from the list that it becomes in a serialized Doc."""
    encoding = Encoding(*stored)
    return encoding._replace(
        wordpieces=None if encoding.wordpieces is None else EncodedWordpieces(*encoding.wordpieces),
        format=OutputFormat(*encoding.format),
    )
