"""The weights of an encoder, in one form for all architectures whose graph is written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "EncoderWeights",
    "Floats",
    "LayerWeights",
    "Linear",
    "Norm",
    "State",
    "read_linear",
    "read_norm",
    "read_state",
    "side_by_side",
]

Floats = npt.NDArray[np.float32]

State = Mapping[str, Floats]
"""The tensors of a torch module by their names."""

Activation = Literal["gelu", "gelu_tanh", "relu"]

ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}
"""By their names in transformers and in curated-transformers."""


@dataclass(frozen=True)
class Norm:
    """A layer normalization. *Shape of both:* ``(width,)``"""

    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class Linear:
    """``x @ weight + bias``.

    :param weight: *Shape:* ``(inputs, outputs)``
    :param bias: *Shape:* ``(outputs,)``
    """

    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class LayerWeights:
    """One encoder layer: attention, then a feed-forward block, each with a residual and a norm after it.

    :param qkv: Queries, keys and values side by side. *Shape of its weight:* ``(width, 3 * width)``
    """

    qkv: Linear
    attention_out: Linear
    attention_norm: Norm
    ffn_in: Linear
    ffn_out: Linear
    ffn_norm: Norm


@dataclass(frozen=True)
class EncoderWeights:
    """A whole encoder.

    :param words: *Shape:* ``(vocabulary, embedding width)``
    :param positions: Position embeddings plus that of token type 0. *Shape:* ``(positions, embedding width)``
    :param projection: From the embedding's width to the encoder's, where they differ.
    :param layers: In the order in which they run; layers that share their weights are one object.
    :param padding_id: For RoBERTa's numbering of positions, which skips this id; else ``None``.
    :param layers_per_output: Layers between two hidden states of ``all_layers`` (ALBERT's ``inner_group_num``).
    :param mask_id: Nothing attends to wordpieces with this id; for encoders that may get it within a text.
    """

    words: Floats
    positions: Floats
    embedding_norm: Norm
    projection: Linear | None
    layers: tuple[LayerWeights, ...]
    n_heads: int
    activation: Activation
    epsilon: float
    padding_id: int | None
    layers_per_output: int = 1
    mask_id: int | None = None

    @property
    def width(self) -> int:
        """Columns of the hidden states."""
        return int(self.layers[0].attention_out.weight.shape[1])

    @property
    def sources(self) -> tuple[int, ...]:
        """For each layer, the number of the first layer that has the same weights."""
        identities = [id(layer) for layer in self.layers]
        return tuple(identities.index(one) for one in identities)


def read_state(module: Any) -> dict[str, Floats]:
    """Read a torch module's tensors."""
    return {name: tensor.detach().cpu().float().numpy() for name, tensor in module.state_dict().items()}


def read_linear(state: State, name: str) -> Linear:
    """Read a ``torch.nn.Linear``."""
    return Linear(np.ascontiguousarray(state[f"{name}.weight"].T), state[f"{name}.bias"])


def read_norm(state: State, name: str) -> Norm:
    """Read a ``torch.nn.LayerNorm``."""
    return Norm(state[f"{name}.weight"], state[f"{name}.bias"])


def side_by_side(linears: Sequence[Linear]) -> Linear:
    """Join linears with the same inputs into one."""
    return Linear(
        np.concatenate([linear.weight for linear in linears], axis=1),
        np.concatenate([linear.bias for linear in linears]),
    )
