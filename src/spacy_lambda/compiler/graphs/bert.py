"""A transformers model of the BERT family -> its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spacy_lambda.compiler.graphs.weights import (
    ACTIVATIONS,
    EncoderWeights,
    LayerWeights,
    Linear,
    State,
    read_layer,
    read_linear,
    read_norm,
    read_state,
)

__all__ = ["PLAIN_POSITIONS", "ROBERTA_POSITIONS", "is_plain_encoder", "read_bert_layer", "read_bert_weights"]

PLAIN_POSITIONS = ("bert", "electra")
"""transformers' ``model_type`` of the members that number positions from 0."""

ROBERTA_POSITIONS = ("roberta", "xlm-roberta", "camembert")
"""``model_type`` of the members that number positions as RoBERTa does."""


def is_plain_encoder(config: Any) -> bool:
    """Return whether a model has none of the settings that the hand-written graphs do not compute.

    :param config: The model's ``PretrainedConfig``.
    """
    return (
        getattr(config, "position_embedding_type", "absolute") == "absolute"
        and config.hidden_act in ACTIVATIONS
        and not getattr(config, "is_decoder", False)
        and not getattr(config, "pruned_heads", None)
    )


def read_bert_weights(model: Any) -> EncoderWeights:
    """Read the weights of BERT, ELECTRA, RoBERTa, XLM-R and CamemBERT.

    :param model: A ``PreTrainedModel`` for whose config :func:`is_plain_encoder` holds.
    """
    config, state = model.config, read_state(model)
    token_types = state.get("embeddings.token_type_embeddings.weight")
    positions = state["embeddings.position_embeddings.weight"]
    has_projection = "embeddings_project.weight" in state
    return EncoderWeights(
        words=state["embeddings.word_embeddings.weight"],
        positions=positions if token_types is None else positions + token_types[0],
        embedding_norm=read_norm(state, "embeddings.LayerNorm"),
        projection=read_linear(state, "embeddings_project") if has_projection else None,
        layers=tuple(
            read_bert_layer(
                state, f"encoder.layer.{i}", [f"attention.self.{part}" for part in ("query", "key", "value")]
            )
            for i in range(config.num_hidden_layers)
        ),
        n_heads=config.num_attention_heads,
        activation=ACTIVATIONS[config.hidden_act],
        epsilon=config.layer_norm_eps,
        padding_id=config.pad_token_id if config.model_type in ROBERTA_POSITIONS else None,
    )


def read_bert_layer(state: State, name: str, qkv: Linear | Sequence[str]) -> LayerWeights:
    """Read a layer whose modules have the names of BERT's, apart from its queries, keys and values."""
    return read_layer(
        state,
        name,
        qkv=qkv,
        attention_out="attention.output.dense",
        attention_norm="attention.output.LayerNorm",
        ffn_in="intermediate.dense",
        ffn_out="output.dense",
        ffn_norm="output.LayerNorm",
    )
