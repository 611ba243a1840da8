"""A transformers model of ModernBERT, with rotated queries and keys and local attention -> its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from spacy_lambda.compiler.graphs.attention import MASKED, Attend, multi_head, split_qkv
from spacy_lambda.compiler.graphs.builder import CONTRIB, GraphBuilder
from spacy_lambda.compiler.graphs.weights import (
    ACTIVATIONS,
    EncoderWeights,
    Floats,
    LayerWeights,
    State,
    read_layer,
    read_norm,
    read_state,
)
from spacy_lambda.runtime.encoder import INPUT

__all__ = ["RotaryAttention", "is_plain_modernbert", "read_modernbert_weights"]


@dataclass(frozen=True)
class RotaryAttention:
    """Attention with queries and keys rotated by their positions, in some layers to near wordpieces only.

    :param frequencies: Frequencies of each layer; equal ones are one array. *Shape of each:* ``(head width / 2,)``
    :param reaches: The largest distance that each layer attends to, or ``None`` for all.
    """

    frequencies: tuple[Floats, ...]
    reaches: tuple[int | None, ...]

    def start(self, g: GraphBuilder, n_heads: int) -> Attend:
        """Add the rotations, and the biases that mask distant wordpieces."""
        length = g.op("Squeeze", g.op("Shape", INPUT, start=1, end=2))
        numbers = g.op("Range", g.const(np.array(0)), length, g.const(np.array(1)))
        column = g.op("Unsqueeze", numbers, g.const(np.array([1])))
        rotations = {id(one): _rotation(g, column, one) for one in self.frequencies}
        distances = g.op("Abs", g.op("Sub", numbers, column))
        biases = {reach: _bias(g, distances, reach) for reach in self.reaches if reach is not None}
        start = g.const(np.array([0]))

        def attend(layer: int, qkv: str) -> str:
            *rotated, value = split_qkv(g, qkv)
            tables = rotations[id(self.frequencies[layer])]
            query, key = (
                g.op("RotaryEmbedding", one, start, *tables, domain=CONTRIB, num_heads=n_heads) for one in rotated
            )
            reach = self.reaches[layer]
            bias = () if reach is None else ("", "", biases[reach])
            return multi_head(g, query, key, value, *bias, num_heads=n_heads)

        return attend


def _rotation(g: GraphBuilder, positions: str, frequencies: Floats) -> tuple[str, str]:
    """Return cosine and sine of each position's angles. *Shape of both:* ``(wordpieces, head width / 2)``"""
    angles = g.op("Mul", g.op("Cast", positions, to=onnx.TensorProto.FLOAT), g.const(frequencies))
    return g.op("Cos", angles), g.op("Sin", angles)


def _bias(g: GraphBuilder, distances: str, reach: int) -> str:
    """Return 0 for near wordpieces, and so little for others that they get no weight."""
    attended, masked = (g.const(np.full((1, 1, 1, 1), value, dtype=np.float32)) for value in (0, MASKED))
    return g.op("Where", g.op("LessOrEqual", distances, g.const(np.array(reach))), attended, masked)


def is_plain_modernbert(config: Any) -> bool:
    """Return whether a model has none of the settings that the graph does not compute."""
    return config.hidden_activation in ACTIVATIONS and not getattr(config, "rope_scaling", None)


def read_modernbert_weights(model: Any) -> EncoderWeights:
    """Read the weights of a ``ModernBertModel``."""
    config, state = model.config, read_state(model)
    return EncoderWeights(
        words=state["embeddings.tok_embeddings.weight"],
        positions=None,
        embedding_norm=read_norm(state, "embeddings.norm"),
        layers=tuple(_layer(state, f"layers.{i}") for i in range(config.num_hidden_layers)),
        n_heads=config.num_attention_heads,
        activation=ACTIVATIONS[config.hidden_activation],
        epsilon=config.norm_eps,
        attention=_attention(model),
        gated=True,
        final_norm=read_norm(state, "final_norm"),
    )


def _attention(model: Any) -> RotaryAttention:
    reaches = [reach for layer in model.layers for reach in layer.attn.local_attention[:1]]
    # One array for each kind of layer.
    read = {
        reach: layer.attn.rotary_emb.inv_freq.detach().cpu().float().numpy()
        for reach, layer in zip(reaches, model.layers, strict=True)
    }
    return RotaryAttention(
        frequencies=tuple(read[reach] for reach in reaches),
        reaches=tuple(None if reach < 0 else reach for reach in reaches),
    )


def _layer(state: State, name: str) -> LayerWeights:
    return read_layer(
        state,
        name,
        qkv=("attn.Wqkv",),
        attention_out="attn.Wo",
        attention_norm="attn_norm" if f"{name}.attn_norm.weight" in state else None,
        ffn_in="mlp.Wi",
        ffn_out="mlp.Wo",
        ffn_norm="mlp_norm",
    )
