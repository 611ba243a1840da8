"""A transformers model of the BERT family -> its weights."""

from __future__ import annotations

from typing import Any

from spacy_lambda.compiler.graphs.weights import (
    ACTIVATIONS,
    EncoderWeights,
    LayerWeights,
    Linear,
    State,
    read_linear,
    read_norm,
    read_state,
    side_by_side,
)

__all__ = ["PLAIN_POSITIONS", "ROBERTA_POSITIONS", "is_plain_encoder", "read_bert_layer", "read_bert_weights"]

PLAIN_POSITIONS = ("bert", "electra")
"""transformers' ``model_type`` of the members that number positions from 0."""

ROBERTA_POSITIONS = ("roberta", "xlm-roberta", "camembert")
"""Those that number them as RoBERTa does."""


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
            read_bert_layer(state, name, _qkv(state, f"{name}.attention.self"))
            for name in (f"encoder.layer.{i}" for i in range(config.num_hidden_layers))
        ),
        n_heads=config.num_attention_heads,
        activation=ACTIVATIONS[config.hidden_act],
        epsilon=config.layer_norm_eps,
        padding_id=config.pad_token_id if config.model_type in ROBERTA_POSITIONS else None,
    )


def _qkv(state: State, name: str) -> Linear:
    return side_by_side([read_linear(state, f"{name}.{part}") for part in ("query", "key", "value")])


def read_bert_layer(state: State, name: str, qkv: Linear) -> LayerWeights:
    """Read a layer whose modules have the names of BERT's, apart from its queries, keys and values."""
    return LayerWeights(
        qkv=qkv,
        attention_out=read_linear(state, f"{name}.attention.output.dense"),
        attention_norm=read_norm(state, f"{name}.attention.output.LayerNorm"),
        ffn_in=read_linear(state, f"{name}.intermediate.dense"),
        ffn_out=read_linear(state, f"{name}.output.dense"),
        ffn_norm=read_norm(state, f"{name}.output.LayerNorm"),
    )
