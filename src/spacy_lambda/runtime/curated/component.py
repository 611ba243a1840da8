"""The spaCy component that takes the place of spacy-curated-transformers' ``CuratedTransformer``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from spacy.attrs import ORTH, SPACY
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime.curated.factory import FACTORY, make_onnx_curated_transformer
from spacy_lambda.runtime.curated.windows import merge_windows, window_bounds
from spacy_lambda.runtime.curated.wordpiece_files import encoder_from_files, read_encoder, write_encoder
from spacy_lambda.runtime.curated.wordpieces import DocWordpieces, WordpieceEncoder
from spacy_lambda.runtime.encoder import Encoder, EncoderBytes, HiddenStates
from spacy_lambda.runtime.encoder_output import Encoding
from spacy_lambda.runtime.transformer import CompiledTransformer, PreparedDoc

__all__ = ["FACTORY", "OnnxCuratedTransformer", "make_onnx_curated_transformer"]


class OnnxCuratedTransformer(CompiledTransformer):
    """The component of a transformer that was trained with spacy-curated-transformers.

    :param window: See :func:`make_onnx_curated_transformer`, as the others.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str = "transformer",
        *,
        window: int,
        stride: int,
        max_length: int,
        width: int,
        all_layer_outputs: bool = False,
    ) -> None:
        super().__init__(vocab, name, max_length=max_length, width=width)
        self.window = window
        self.stride = stride
        self.all_layer_outputs = all_layer_outputs
        self._wordpieces: WordpieceEncoder | None = None

    def prepare(self, doc: Doc) -> PreparedDoc:
        """Cut a Doc into windows, whose hidden states are averaged where they overlap."""
        ids, lengths = self._cut(doc)
        n_rows = len(ids) - 2
        bounds = self._bounds(len(ids)) if n_rows or self.all_layer_outputs else []

        def finish(hidden: list[HiddenStates]) -> Encoding:
            if bounds:
                rows = merge_windows(hidden, len(ids), window=self.window, stride=self.stride)[..., 1:-1, :]
            else:
                rows = np.zeros((0, self.width), dtype=np.float32)
            return Encoding(
                rows[-1] if self.all_layer_outputs else rows,
                np.arange(n_rows, dtype=np.int32),
                lengths[1:-1],
                layers=rows if self.all_layer_outputs else None,
                library="curated",
            )

        return PreparedDoc([ids[start:end] for start, end in bounds], None, finish)

    def _bounds(self, n_wordpieces: int) -> list[tuple[int, int]]:
        bounds = window_bounds(n_wordpieces, window=self.window, stride=self.stride)
        longest = bounds[0][1]
        if longest > self.max_length:
            raise EncoderError(
                f"a window of {longest} wordpieces is longer than the transformer's limit of {self.max_length}",
                remedy="use shorter texts, or train the original with a window within its limit",
            )
        return bounds

    def count_wordpieces(self, doc: Doc) -> int:
        """Return the number of wordpieces of a Doc in all windows."""
        cut = self._cut(doc)
        doc.user_data[self._cut_key] = (_tokens(doc), cut)
        bounds = window_bounds(len(cut.ids), window=self.window, stride=self.stride)
        return sum(end - start for start, end in bounds)

    def _cut(self, doc: Doc) -> DocWordpieces:
        """Return the wordpieces, which may have been counted before; a component may have merged tokens since."""
        known: tuple[npt.NDArray[np.uint64], DocWordpieces] | None = doc.user_data.pop(self._cut_key, None)
        if known is not None and np.array_equal(known[0], _tokens(doc)):
            return known[1]
        return self._loaded(self._wordpieces).encode(doc)

    def set_parts(self, wordpieces: WordpieceEncoder, encoder: EncoderBytes) -> None:
        """Give the component its wordpieces and its encoder.

        :param encoder: Contents of the encoder's files.
        """
        self._wordpieces = wordpieces
        self._encoder = self._make_encoder(encoder)

    def _make_encoder(self, model: Path | EncoderBytes) -> Encoder:
        return Encoder(model, all_layers=self.all_layer_outputs)

    def _write_files(self, folder: Path) -> None:
        write_encoder(self._loaded(self._wordpieces), folder)

    def _read_files(self, folder: Path) -> None:
        self._wordpieces = read_encoder(folder)

    def _dump_files(self) -> dict[str, Any]:
        return {"wordpieces": self._loaded(self._wordpieces).to_files()}

    def _load_files(self, message: Mapping[str, Any]) -> None:
        self._wordpieces = encoder_from_files(message["wordpieces"])


def _tokens(doc: Doc) -> npt.NDArray[np.uint64]:
    return doc.to_array([ORTH, SPACY]).astype(np.uint64)
