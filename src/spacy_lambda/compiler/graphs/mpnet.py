"""A transformers model of MPNet, with a bias for relative positions -> its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spacy_lambda.compiler.graphs.attention import Attend, multi_head, split_qkv
from spacy_lambda.compiler.graphs.builder import GraphBuilder
from spacy_lambda.compiler.graphs.distances import Distances
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

__all__ = ["BiasedAttention", "read_mpnet_weights"]

MAX_DISTANCE = 128
"""Distance from which all have the same bias (``max_distance``, not in the config)."""


@dataclass(frozen=True)
class BiasedAttention:
    """Attention with a bias that depends on the distance, the key's position less the query's.

    :param biases: For distances from ``-n`` to ``n``; beyond, the first and the last. *Shape:* ``(heads, 2 * n + 1)``
    """

    biases: Floats

    def start(self, g: GraphBuilder, n_heads: int) -> Attend:
        """Add the bias of each pair of wordpieces."""
        distances = Distances(g, self.biases.shape[1] // 2)
        row = g.op("Gather", g.const(self.biases[np.newaxis, :, np.newaxis]), distances.indices, axis=3)
        biases = distances.align(distances.repeat(row))
        return lambda _, qkv: multi_head(g, *split_qkv(g, qkv), "", "", biases, num_heads=n_heads)


def read_mpnet_weights(model: Any) -> EncoderWeights:
    """Read the weights of an ``MPNetModel``."""
    import torch

    config, state = model.config, read_state(model)
    # The model always uses 32 buckets: its config's number only makes the table larger.
    buckets = model.encoder.relative_position_bucket(torch.arange(-MAX_DISTANCE, MAX_DISTANCE + 1)).numpy()
    return EncoderWeights(
        words=state["embeddings.word_embeddings.weight"],
        positions=state["embeddings.position_embeddings.weight"],
        embedding_norm=read_norm(state, "embeddings.LayerNorm"),
        layers=tuple(_layer(state, f"encoder.layer.{i}") for i in range(config.num_hidden_layers)),
        n_heads=config.num_attention_heads,
        activation=ACTIVATIONS[config.hidden_act],
        epsilon=config.layer_norm_eps,
        padding_id=model.embeddings.padding_idx,
        attention=BiasedAttention(state["encoder.relative_attention_bias.weight"][buckets].T),
    )


def _layer(state: State, name: str) -> LayerWeights:
    return read_layer(
        state,
        name,
        qkv=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
        attention_out="attention.attn.o",
        attention_norm="attention.LayerNorm",
        ffn_in="intermediate.dense",
        ffn_out="output.dense",
        ffn_norm="output.LayerNorm",
    )
