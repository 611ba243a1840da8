"""The argument of annotation setters, as in spacy-transformers' ``FullTransformerBatch``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc, Span
from thinc.types import Ragged

from spacy_lambda.runtime.trf_data.extension import get_trf_data
from spacy_lambda.runtime.trf_data.model_output import ModelOutput, Outputs
from spacy_lambda.runtime.trf_data.views import TransformersOutput
from spacy_lambda.runtime.trf_data.wordpiece_batch import WordpieceBatch

__all__ = ["AnnotationSetter", "TransformerBatch", "batch_of"]

AnnotationSetter = Callable[[list[Doc], "TransformerBatch"], None]


@dataclass(frozen=True)
class TransformerBatch:
    """A batch of one Doc: each is encoded by itself.

    :param spans: The windows of each Doc.
    :param doc_data: The transformer output of each Doc.
    """

    spans: list[list[Span]]
    doc_data: list[TransformersOutput]

    @property
    def wordpieces(self) -> WordpieceBatch:
        """The wordpieces of all windows."""
        return self.doc_data[0].wordpieces

    @property
    def model_output(self) -> ModelOutput:
        """The outputs by name; numpy's arrays, where the original has tensors of torch."""
        return self.doc_data[0].model_output

    @property
    def align(self) -> Ragged:
        """The rows of each token in the outputs."""
        return self.doc_data[0].align

    @property
    def tensors(self) -> Outputs:
        """The outputs by position."""
        return self.doc_data[0].tensors

    @property
    def tokens(self) -> dict[str, Any]:
        """The wordpieces under the names of transformers' tokenizers."""
        return self.doc_data[0].tokens


def batch_of(doc: Doc, windows: list[tuple[int, int]]) -> TransformerBatch:
    """Return the batch of a Doc that the transformer has encoded.

    :param windows: Token bounds of its windows.
    """
    return TransformerBatch([[doc[start:end] for start, end in windows]], [get_trf_data(doc)])
