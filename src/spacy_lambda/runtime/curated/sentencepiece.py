"""SentencePiece vocabularies, as the SentencePiece encoders of spacy-curated-transformers have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc

from spacy_lambda.errors import PipelineLoadError
from spacy_lambda.runtime.curated.wordpieces import DocWordpieces, Ids, WordCache, WordpieceEncoder

__all__ = ["SENTENCEPIECE_FILE", "Adapter", "SentencepieceEncoder"]

SENTENCEPIECE_FILE = "sentencepiece.model"

Adapter = Literal["camembert", "xlmr"]
"""The transformer whose vocabulary has the ids of the SentencePiece model at other places."""


class SentencepieceEncoder(WordpieceEncoder):
    """A SentencePiece model, run by curated-tokenizers, which only these pipelines need.

    :param model: Contents of the model's file.
    :param adapter: The transformer to whose ids the model's ids are converted.
    :raises PipelineLoadError: If curated-tokenizers is missing.
    """

    kind = "sentencepiece"

    def __init__(self, model: bytes, *, adapter: Adapter | None = None) -> None:
        self._model = model
        self._adapter = adapter
        self._processor = _load_processor(model)
        self._word = WordCache(self._processor.encode_as_ids)
        super().__init__(self._processor.bos_id(), self._processor.eos_id())

    def encode(self, doc: Doc) -> DocWordpieces:
        """Return the wordpieces of a Doc, as ids of the transformer's vocabulary."""
        ids, lengths = super().encode(doc)
        return DocWordpieces(_adapt(ids, self._adapter), lengths)

    def token_ids(self, doc: Doc) -> list[Ids]:
        """Return the ids of each token in the SentencePiece model; whitespace has none."""
        return [() if token.is_space else self._word(token.text) for token in doc]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings; the model is a file of its own."""
        return {"adapter": self._adapter}

    def to_files(self) -> dict[str, bytes]:
        """Return the settings' file and the model's."""
        return {**super().to_files(), SENTENCEPIECE_FILE: self._model}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Read what :meth:`to_dict` and :meth:`to_files` returned."""
        return cls(files[SENTENCEPIECE_FILE], adapter=values["adapter"])


def _load_processor(model: bytes) -> Any:
    try:
        from curated_tokenizers import SentencePieceProcessor
    except ImportError as exc:
        raise PipelineLoadError(
            f"the pipeline's SentencePiece model needs curated-tokenizers: {exc}",
            remedy='pip install "spacy-lambda[sentencepiece]"',
        ) from exc
    return SentencePieceProcessor.from_protobuf(model)


def _adapt(ids: npt.NDArray[np.int64], adapter: Adapter | None) -> npt.NDArray[np.int64]:
    """Convert ids of a SentencePiece model, where 0 is unknown, 1 begins and 2 ends a text."""
    if adapter is None:
        return ids
    adapted = ids + (1 if adapter == "xlmr" else 4)
    adapted[ids == 0] = 3
    if adapter == "xlmr":
        adapted[ids == 1] = 0
        adapted[ids == 2] = 2
    return adapted
