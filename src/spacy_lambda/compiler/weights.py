"""A transformers model of the BERT family -> its weights, in one form for all members of the family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["EncoderWeights", "LayerWeights", "Linear", "Norm", "is_bert_family", "read_weights"]

Floats = npt.NDArray[np.float32]

Activation = Literal["gelu", "gelu_tanh", "relu"]

ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}

# transformers' model_type; those with RoBERTa's way of numbering positions apart.
PLAIN_POSITIONS = ("bert", "electra")
ROBERTA_POSITIONS = ("roberta", "xlm-roberta", "camembert")


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
    :param padding_id: For RoBERTa's numbering of positions, which skips this id; else ``None``.
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

    @property
    def width(self) -> int:
        """Columns of the hidden states."""
        return int(self.layers[0].attention_out.weight.shape[1])


def is_bert_family(config: Any) -> bool:
    """Return whether :func:`read_weights` supports a model.

    :param config: The model's ``PretrainedConfig``.
    """
    return (
        config.model_type in PLAIN_POSITIONS + ROBERTA_POSITIONS
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
        and config.hidden_act in ACTIVATIONS
        and not getattr(config, "is_decoder", False)
        and not getattr(config, "pruned_heads", None)
    )


def read_weights(model: Any) -> EncoderWeights:
    """Read the weights of a model for which :func:`is_bert_family` holds.

    :param model: A ``PreTrainedModel``.
    """
    config = model.config
    state = {name: tensor.detach().cpu().float().numpy() for name, tensor in model.state_dict().items()}
    token_types = state.get("embeddings.token_type_embeddings.weight")
    positions = state["embeddings.position_embeddings.weight"]
    has_projection = "embeddings_project.weight" in state
    return EncoderWeights(
        words=state["embeddings.word_embeddings.weight"],
        positions=positions if token_types is None else positions + token_types[0],
        embedding_norm=_norm(state, "embeddings.LayerNorm"),
        projection=_linear(state, "embeddings_project") if has_projection else None,
        layers=tuple(_layer(state, f"encoder.layer.{i}") for i in range(config.num_hidden_layers)),
        n_heads=config.num_attention_heads,
        activation=ACTIVATIONS[config.hidden_act],
        epsilon=config.layer_norm_eps,
        padding_id=config.pad_token_id if config.model_type in ROBERTA_POSITIONS else None,
    )


def _layer(state: Mapping[str, Floats], name: str) -> LayerWeights:
    parts = [_linear(state, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
    return LayerWeights(
        qkv=Linear(
            np.concatenate([part.weight for part in parts], axis=1),
            np.concatenate([part.bias for part in parts]),
        ),
        attention_out=_linear(state, f"{name}.attention.output.dense"),
        attention_norm=_norm(state, f"{name}.attention.output.LayerNorm"),
        ffn_in=_linear(state, f"{name}.intermediate.dense"),
        ffn_out=_linear(state, f"{name}.output.dense"),
        ffn_norm=_norm(state, f"{name}.output.LayerNorm"),
    )


def _linear(state: Mapping[str, Floats], name: str) -> Linear:
    return Linear(np.ascontiguousarray(state[f"{name}.weight"].T), state[f"{name}.bias"])


def _norm(state: Mapping[str, Floats], name: str) -> Norm:
    return Norm(state[f"{name}.weight"], state[f"{name}.bias"])
