"""The output of a transformer for one Doc, in the form of the original's library.

Both forms have the fields of both libraries. They share the arrays of the Doc's encoding; nothing is computed or copied
before it is read.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import srsly
from thinc.types import Ragged

from spacy_lambda.errors import MissingOutputError
from spacy_lambda.runtime.encoder_output import Encoding
from spacy_lambda.runtime.trf_data.model_output import HIDDEN, OTHERS, ModelOutput, Outputs, missing_output
from spacy_lambda.runtime.trf_data.pooler import POOLED
from spacy_lambda.runtime.trf_data.wordpiece_batch import Padding, WordpieceBatch, pad_wordpieces

__all__ = ["CuratedOutput", "TransformerOutput", "TransformersOutput", "make_view"]


class TransformerOutput:
    """The fields that both libraries' outputs have here.

    :param encoding: The encoding of the Doc.
    """

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding

    def __getattr__(self, name: str) -> Any:
        if name in OTHERS:
            raise missing_output(name)
        if name in ("wordpieces", "tokens"):
            raise MissingOutputError(
                f"doc._.trf_data has no {name!r}: the Doc does not hold its wordpieces",
                remedy="use last_hidden_layer_state.lengths for the number of wordpieces of each token",
            )
        raise AttributeError(f"doc._.trf_data has no attribute {name!r}")

    @cached_property
    def model_output(self) -> ModelOutput:
        """The model's outputs by name, windows one below the other."""
        is_empty = not len(self.encoding.lengths)
        pooled = self.encoding.pooled
        compute = {HIDDEN: self._hidden} if pooled is None else {HIDDEN: self._hidden, POOLED: lambda: pooled}
        return ModelOutput(compute, () if is_empty else self.encoding.format.outputs)

    def _hidden(self) -> Any:
        return self._padding.pad(self.encoding.hidden)

    @cached_property
    def _padding(self) -> Padding:
        found = self.encoding.wordpieces
        lengths = np.array([len(self.encoding.hidden)], dtype=np.int32) if found is None else found.lengths
        return Padding(lengths, self.encoding.format.padding_side == "left")

    @cached_property
    def align(self) -> Ragged:
        """The rows of each token in :attr:`model_output`'s windows."""
        rows = self.encoding.rows
        places = self._padding.places[rows].astype(np.int32) if len(rows) else rows
        return Ragged(places, self.encoding.lengths)  # type: ignore[arg-type]

    @property
    def tensors(self) -> Outputs:
        """The model's outputs by position."""
        return self.model_output.to_tuple()

    @property
    def width(self) -> int:
        """Columns of the hidden states."""
        if HIDDEN not in self.model_output:
            raise ValueError("Cannot find last hidden state")
        return int(self.encoding.hidden.shape[-1])

    @cached_property
    def all_outputs(self) -> list[Ragged]:
        """The hidden states of each token's wordpieces in each layer that the pipeline keeps."""
        layers = [self.encoding.hidden] if self.last_layer_only else list(self.encoding.layers)  # type: ignore[arg-type]
        rows = self.encoding.rows
        in_order = len(rows) == len(self.encoding.hidden) and np.array_equal(rows, np.arange(len(rows)))
        return [Ragged(layer if in_order else layer[rows], self.encoding.lengths) for layer in layers]  # type: ignore[arg-type]

    @property
    def last_layer_only(self) -> bool:
        """``True`` if the pipeline keeps no other layer, or the Doc is empty."""
        return self.encoding.layers is None or not len(self.encoding.lengths)

    @property
    def embedding_layer(self) -> Ragged | None:
        """The embeddings, where the pipeline keeps them."""
        return None if self.last_layer_only else self.all_outputs[0]

    embedding_output = embedding_layer

    @property
    def last_hidden_layer_state(self) -> Ragged:
        """The last layer's hidden states of each token's wordpieces."""
        return self.all_outputs[-1]

    last_layer_hidden_states = last_hidden_layer_state

    @property
    def all_hidden_layer_states(self) -> list[Ragged]:
        """The hidden states of all layers after the embeddings."""
        return self.all_outputs[1:]

    @property
    def num_outputs(self) -> int:
        """Number of layers, with the embeddings."""
        return len(self.all_outputs)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that the library serializes."""
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """Serialize these fields."""
        return bytes(srsly.msgpack_dumps(self.to_dict()))


class TransformersOutput(TransformerOutput):
    """The form of spacy-transformers' ``TransformerData``."""

    @cached_property
    def wordpieces(self) -> WordpieceBatch:
        """The wordpieces of all windows; Docs that were serialized by older versions do not hold them."""
        found = self.encoding.wordpieces
        return self.__getattr__("wordpieces") if found is None else pad_wordpieces(found, self.encoding.format)

    @property
    def tokens(self) -> dict[str, Any]:
        """The wordpieces under the names of transformers' tokenizers; deprecated in spacy-transformers."""
        return self.wordpieces.to_hf_dict()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that spacy-transformers serializes."""
        return {
            "wordpieces": self.wordpieces.to_dict(),
            "model_output": self.model_output.computed(),
            "align": [self.align.dataXd, self.align.lengths],
        }


class CuratedOutput(TransformerOutput):
    """The form of spacy-curated-transformers' ``DocTransformerOutput``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that spacy-curated-transformers serializes."""
        return {
            "all_outputs": [(layer.dataXd, layer.lengths) for layer in self.all_outputs],
            "last_layer_only": self.last_layer_only,
        }


def make_view(encoding: Encoding) -> TransformerOutput:
    """Return the output in the form of the original's library."""
    return CuratedOutput(encoding) if encoding.library == "curated" else TransformersOutput(encoding)
