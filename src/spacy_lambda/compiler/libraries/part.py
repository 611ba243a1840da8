"""One transformer of an original, behind one interface for both of spaCy's libraries of transformers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnx
from spacy.tokens import Doc

from spacy_lambda.compiler.graphs.weights import EncoderWeights
from spacy_lambda.compiler.libraries.private import Place
from spacy_lambda.compiler.precisions import PrecisionRules
from spacy_lambda.core.files import file_sizes
from spacy_lambda.runtime.encoder import EncoderBytes
from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = ["DocStates", "HiddenStates", "Reference", "TransformerPart"]

HiddenStates = npt.NDArray[np.float32]
"""One row for each wordpiece. *Shape:* ``(wordpieces, width)``, or ``(layers, wordpieces, width)``"""


class Reference(Protocol):
    """The original's own model, called as its library calls it."""

    def __call__(self, windows: Sequence[Sequence[int]]) -> list[HiddenStates]:
        """Encode windows as one padded batch.

        :param windows: Wordpiece ids of each window.
        :raises Exception: If the model raises it, for example on windows longer than its positions.
        """


@dataclass(frozen=True)
class DocStates:
    """Hidden states of a Doc's tokens.

    :param lengths: Number of rows of each token. *Shape:* ``(n_tokens,)``
    :param rows: Hidden states, token by token. *Shape:* ``(lengths.sum(), width)``, or
        ``(layers, lengths.sum(), width)``
    """

    lengths: npt.NDArray[Any]
    rows: HiddenStates


class TransformerPart(ABC):
    """One transformer of the original.

    :param name: The name of the component, or of its place in the config of another one.
    :param pipe: A component that runs it.
    :param architecture: The encoder's architecture, as its library names it.
    :param max_length: Wordpieces of the longest window that the compiled encoder gets.
    """

    def __init__(self, name: str, pipe: Any, *, architecture: str, max_length: int) -> None:
        self.name = name
        self.pipe = pipe
        self.architecture = architecture
        self.max_length = max_length

    place: Place | None = None
    """Its place in the component of which it is a part, if it is not a component by itself."""

    all_layers = False
    """True if the output of every layer is needed, not only of the last."""

    annotates = False
    """True if an annotation setter gets the transformer's output."""

    remedy: str | None = None
    """For a compiled encoder that differs from the original's, where a setting of this one explains that."""

    padding_remedy = "use a model whose hidden states do not depend on padding, such as BERT, RoBERTa or DeBERTa"
    """For an original whose hidden states depend on padding."""

    @abstractmethod
    def reference(self) -> Reference:
        """Return the original's model."""

    @abstractmethod
    def weights(self) -> EncoderWeights | None:
        """Return the encoder's weights, or ``None`` if no graph can be built from them."""

    @abstractmethod
    def has_graph(self) -> bool:
        """Return whether a graph can be built from the encoder's weights."""

    def requirements(self) -> list[str]:
        """Return the packages that its wordpieces need in addition to the base install."""
        return []

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Describe the encoder: library, layers, width, parameters, vocabulary, tokenizer."""

    @abstractmethod
    def _parameters(self) -> Iterator[Any]:
        """Yield the encoder's parameters, as tensors of torch."""

    def encoder_bytes(self, rules: PrecisionRules) -> int:
        """Estimate the bytes of the compiled encoder; quantized matrices have fp32 scales by row and column."""
        bits = int(sum(p.numel() * (32 if p.dim() < 2 else rules.weight_bits) for p in self._parameters()))
        scales = 0 if rules.exact else sum(sum(p.shape) for p in self._parameters() if p.dim() > 1)
        return bits // 8 + 4 * scales

    def original_bytes(self, pipeline: Path) -> int:
        """Estimate the bytes of the original's files that the encoder replaces.

        :param pipeline: The original's folder.
        """
        if self.place is not None:
            return sum(p.numel() * p.element_size() for p in self._parameters())
        return sum(file_sizes(pipeline / self.name).values())

    @abstractmethod
    def trace(self) -> onnx.ModelProto:
        """Return the encoder's graph, traced by torch.

        :raises CompileError: If torch cannot export it.
        """

    @abstractmethod
    def checked_lengths(self) -> list[int]:
        """Return the lengths of windows on which both encoders are compared, descending."""

    @abstractmethod
    def sample_windows(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return windows of random wordpieces."""

    def token_types(self, length: int) -> list[int] | None:
        """Return the token types of a window of :meth:`sample_windows`, or ``None`` if they are all 0."""
        return None

    @abstractmethod
    def text_windows(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """Return the windows of texts, truncated.

        :param longest: Maximum number of wordpieces.
        """

    @abstractmethod
    def sample_docs(self) -> Iterator[list[Doc]]:
        """Yield batches of Docs on which both components are compared."""

    @abstractmethod
    def doc_states(self, docs: list[Doc]) -> list[DocStates | None]:
        """Return the original's hidden states for each Doc; ``None`` where it fails."""

    @abstractmethod
    def component(self, model: EncoderBytes, width: int) -> CompiledTransformer:
        """Return the compiled component.

        :param width: Columns of the hidden states.
        """

    @abstractmethod
    def add_outputs(self, component: Any) -> None:
        """Give the compiled component what only code that reads ``doc._.trf_data`` uses."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the settings of windows, for the compiled component's config and the pipeline's metadata."""

    @abstractmethod
    def config(self, width: int) -> dict[str, Any]:
        """Return the compiled component's section of ``config.cfg``."""
