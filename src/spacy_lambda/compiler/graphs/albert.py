"""A transformers model of ALBERT, whose layers share their weights -> its weights."""

from __future__ import annotations

from typing import Any

from spacy_lambda.compiler.graphs.weights import (
    ACTIVATIONS,
    EncoderWeights,
    LayerWeights,
    State,
    read_layer,
    read_linear,
    read_norm,
    read_state,
)

__all__ = ["read_albert_weights"]


def read_albert_weights(model: Any) -> EncoderWeights:
    """Read the weights of an ``AlbertModel``."""
    config, state = model.config, read_state(model)
    groups = [
        [_layer(state, f"encoder.albert_layer_groups.{group}.albert_layers.{i}") for i in range(config.inner_group_num)]
        for group in range(config.num_hidden_groups)
    ]
    runs_per_group = config.num_hidden_layers / config.num_hidden_groups
    return EncoderWeights(
        words=state["embeddings.word_embeddings.weight"],
        positions=state["embeddings.position_embeddings.weight"] + state["embeddings.token_type_embeddings.weight"][0],
        embedding_norm=read_norm(state, "embeddings.LayerNorm"),
        projection=read_linear(state, "encoder.embedding_hidden_mapping_in"),
        layers=tuple(layer for i in range(config.num_hidden_layers) for layer in groups[int(i / runs_per_group)]),
        n_heads=config.num_attention_heads,
        activation=ACTIVATIONS[config.hidden_act],
        epsilon=config.layer_norm_eps,
        layers_per_output=config.inner_group_num,
    )


def _layer(state: State, name: str) -> LayerWeights:
    return read_layer(
        state,
        name,
        qkv=("attention.query", "attention.key", "attention.value"),
        attention_out="attention.dense",
        attention_norm="attention.LayerNorm",
        ffn_in="ffn",
        ffn_out="ffn_output",
        ffn_norm="full_layer_layer_norm",
    )
