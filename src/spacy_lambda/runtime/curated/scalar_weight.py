"""The weighted sum of all layers: ``ScalarWeight`` of curated-transformers, without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import srsly
from thinc.api import Model
from thinc.shims.shim import Shim
from thinc.types import Ragged

from spacy_lambda.runtime.curated.torch_state import read_state_dict
from spacy_lambda.runtime.encoder import HiddenStates
from spacy_lambda.runtime.listener import no_backprop

__all__ = ["Layers", "build_scalar_weight_v1"]


class Layers(NamedTuple):
    """The hidden states of one Doc in all layers.

    :param hidden: *Shape:* ``(n_layers + 1, n_wordpieces, width)``
    :param lengths: Wordpieces of each token. *Shape:* ``(n_tokens,)``
    """

    hidden: HiddenStates
    lengths: npt.NDArray[np.int32]


def build_scalar_weight_v1(
    *,
    num_layers: int,
    dropout_prob: float = 0.1,
    mixed_precision: bool = False,
    grad_scaler_config: dict[str, Any] | None = None,
) -> Model[list[Layers], list[Ragged]]:
    """Weighted sums of layers, with trained weights.

    Takes the place of ``spacy-curated-transformers.ScalarWeight.v1`` with the same arguments and the same node, so that
    trained weights load unchanged. Only the number of layers matters in a compiled pipeline.

    :param num_layers: Layers of the transformer, without the embeddings.
    """
    return Model("pytorch", _forward, shims=[_ScalarWeight(num_layers + 1)], dims={"nI": None, "nO": None})


class _ScalarWeight(Shim):
    """The weights, read from torch's format and written as they were read.

    :param n_layers: Layers, the embeddings included.
    """

    def __init__(self, n_layers: int) -> None:
        super().__init__(None)
        self._data = b""
        self._weights = np.zeros(n_layers, dtype=np.float32)
        self._scale = np.ones(1, dtype=np.float32)

    def __call__(self, hidden: HiddenStates, is_train: bool) -> tuple[HiddenStates, Callable[[Any], Any]]:
        if len(hidden) != len(self._weights):
            raise ValueError(f"the weights are for {len(self._weights)} layers, but the transformer has {len(hidden)}")
        return _sum_layers(hidden, _softmax(self._weights)) * self._scale, no_backprop

    def to_bytes(self) -> bytes:
        """Return what was read; nothing before that."""
        return self._data

    def from_bytes(self, data: bytes) -> Self:
        """Read the message of thinc's shim for torch.

        :raises ValueError: If it has other weights.
        """
        self._data = data
        if data:
            state = read_state_dict(srsly.msgpack_loads(data)["state"])
            self._weights = state["layer_weights"].astype(np.float32)
            self._scale = state["scale"].astype(np.float32)
        return self


def _forward(
    model: Model[list[Layers], list[Ragged]], docs: list[Layers], is_train: bool
) -> tuple[list[Ragged], Callable[[Any], Any]]:
    shim = model.shims[0]
    weighted = [Ragged(shim.predict(doc.hidden), doc.lengths) for doc in docs]  # type: ignore[arg-type]
    return weighted, no_backprop


def _softmax(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return torch's softmax; the exponential is the exact one, from which torch's may differ in the last bit."""
    exponentials = np.exp((weights - weights.max()).astype(np.float64)).astype(np.float32)
    return np.asarray(exponentials * (np.float32(1) / exponentials.sum()), dtype=np.float32)


def _sum_layers(hidden: HiddenStates, weights: npt.NDArray[np.float32]) -> HiddenStates:
    """Add up the weighted layers one by one, as torch does."""
    total: HiddenStates = hidden[0] * weights[0]
    for layer, weight in zip(hidden[1:], weights[1:], strict=True):
        total += layer * weight
    return total
