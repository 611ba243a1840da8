"""A transformers model of DistilBERT -> its weights."""

from __future__ import annotations

from typing import Any

from spacy_lambda.compiler.graphs.weights import (
    ACTIVATIONS,
    EncoderWeights,
    LayerWeights,
    State,
    read_layer,
    read_norm,
    read_state,
)

__all__ = ["is_plain_distilbert", "read_distilbert_weights"]

EPSILON = 1e-12
"""Written in its modules rather than in its config."""


def is_plain_distilbert(config: Any) -> bool:
    """Return whether a model has none of the settings that the graph does not compute."""
    return config.activation in ACTIVATIONS and not config.pruned_heads


def read_distilbert_weights(model: Any) -> EncoderWeights:
    """Read the weights of a ``DistilBertModel``."""
    config, state = model.config, read_state(model)
    return EncoderWeights(
        words=state["embeddings.word_embeddings.weight"],
        positions=state["embeddings.position_embeddings.weight"],
        embedding_norm=read_norm(state, "embeddings.LayerNorm"),
        layers=tuple(_layer(state, f"transformer.layer.{i}") for i in range(config.n_layers)),
        n_heads=config.n_heads,
        activation=ACTIVATIONS[config.activation],
        epsilon=EPSILON,
    )


def _layer(state: State, name: str) -> LayerWeights:
    return read_layer(
        state,
        name,
        qkv=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        attention_out="attention.out_lin",
        attention_norm="sa_layer_norm",
        ffn_in="ffn.lin1",
        ffn_out="ffn.lin2",
        ffn_norm="output_layer_norm",
    )
