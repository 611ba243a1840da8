"""The weights of an encoder, in one form for all architectures whose graph is written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spacy_lambda.compiler.graphs.attention import Attention, SelfAttention

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "EncoderWeights",
    "Floats",
    "LayerWeights",
    "Linear",
    "Norm",
    "State",
    "read_layer",
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
    bias: Floats | None


@dataclass(frozen=True)
class Linear:
    """``x @ weight + bias``.

    :param weight: *Shape:* ``(inputs, outputs)``
    :param bias: *Shape:* ``(outputs,)``
    """

    weight: Floats
    bias: Floats | None

    def __call__(self, x: Floats) -> Floats:
        """Compute it."""
        return np.asarray(x @ self.weight + (0 if self.bias is None else self.bias), dtype=np.float32)


@dataclass(frozen=True)
class LayerWeights:
    """One encoder layer: attention, then a feed-forward block, each with a residual and a norm after or before it.

    :param qkv: Queries, keys and values side by side. *Shape of its weight:* ``(width, 3 * width)``
    :param attention_norm: ``None`` in a layer that has none before its attention.
    :param ffn_in: With gates, they are its second half.
    """

    qkv: Linear
    attention_out: Linear
    attention_norm: Norm | None
    ffn_in: Linear
    ffn_out: Linear
    ffn_norm: Norm


@dataclass(frozen=True)
class EncoderWeights:
    """A whole encoder.

    :param words: *Shape:* ``(vocabulary, embedding width)``
    :param positions: Position embeddings, if there are some, plus the embedding of token type 0. *Shape:*
        ``(positions, embedding width)``
    :param layers: In the order in which they run; layers that share their weights are one object.
    :param projection: From the embedding's width to the encoder's, where they differ.
    :param padding_id: For RoBERTa's numbering of positions, which skips this id; else ``None``.
    :param attention: Attention of all layers.
    :param gated: Multiply the activations by gates before they leave the feed-forward block.
    :param final_norm: Last norm of encoders whose norms come before attention and feed-forward block; else ``None``.
    :param layers_per_output: Layers between two hidden states of ``all_layers`` (ALBERT's ``inner_group_num``).
    """

    words: Floats
    positions: Floats | None
    embedding_norm: Norm
    layers: tuple[LayerWeights, ...]
    n_heads: int
    activation: Activation
    epsilon: float
    projection: Linear | None = None
    padding_id: int | None = None
    attention: Attention = field(default_factory=SelfAttention)
    gated: bool = False
    final_norm: Norm | None = None
    layers_per_output: int = 1

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
    return Linear(np.ascontiguousarray(state[f"{name}.weight"].T), state.get(f"{name}.bias"))


def read_norm(state: State, name: str) -> Norm:
    """Read a ``torch.nn.LayerNorm``."""
    return Norm(state[f"{name}.weight"], state.get(f"{name}.bias"))


def read_layer(
    state: State,
    name: str,
    *,
    qkv: Linear | Sequence[str],
    attention_out: str,
    attention_norm: str | None,
    ffn_in: str,
    ffn_out: str,
    ffn_norm: str,
) -> LayerWeights:
    """Read a layer by the names of its modules, each below the layer's own.

    :param name: The layer's name.
    :param qkv: The modules of queries, keys and values, or these themselves where they are stored in another way.
    :param attention_norm: ``None`` in a layer that has none before its attention.
    """
    parts = qkv if isinstance(qkv, Linear) else side_by_side([read_linear(state, f"{name}.{part}") for part in qkv])
    return LayerWeights(
        qkv=parts,
        attention_out=read_linear(state, f"{name}.{attention_out}"),
        attention_norm=None if attention_norm is None else read_norm(state, f"{name}.{attention_norm}"),
        ffn_in=read_linear(state, f"{name}.{ffn_in}"),
        ffn_out=read_linear(state, f"{name}.{ffn_out}"),
        ffn_norm=read_norm(state, f"{name}.{ffn_norm}"),
    )


def side_by_side(linears: Sequence[Linear]) -> Linear:
    """Join linears with the same inputs into one."""
    if len(linears) == 1:
        return linears[0]
    biases = [linear.bias for linear in linears if linear.bias is not None]
    return Linear(
        np.concatenate([linear.weight for linear in linears], axis=1),
        np.concatenate(biases) if biases else None,
    )
