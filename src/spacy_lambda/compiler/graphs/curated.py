"""An encoder of curated-transformers 0.1 -> its weights."""

from __future__ import annotations

from typing import Any

from spacy_lambda.compiler.graphs.attention import SelfAttention
from spacy_lambda.compiler.graphs.weights import (
    Activation,
    EncoderWeights,
    LayerWeights,
    State,
    read_layer,
    read_linear,
    read_norm,
    read_state,
)

__all__ = ["read_curated_weights"]

ACTIVATION_MODULES: dict[str, Activation] = {"GELU": "gelu", "GeluNew": "gelu_tanh", "ReLU": "relu"}


def read_curated_weights(encoder: Any, *, masked: bool = False) -> EncoderWeights:
    """Read the weights of a ``BertEncoder``, ``RobertaEncoder`` (also for XLM-R and CamemBERT) or ``AlbertEncoder``.

    The modules are read rather than the pipeline's config, which lacks the settings of TorchScript encoders.

    :param masked: Its windows may contain ``padding_idx``, to which nothing attends.
    """
    counts_padding = hasattr(encoder.embeddings, "inner")
    prefix = "embeddings.inner" if counts_padding else "embeddings"
    embeddings = encoder.embeddings.inner if counts_padding else encoder.embeddings
    state = read_state(encoder)
    names = _layer_names(encoder)
    read = {name: _layer(state, name) for name in dict.fromkeys(names)}
    first = encoder.groups[0].group_layers[0] if hasattr(encoder, "groups") else encoder.layers[0]
    return EncoderWeights(
        words=state[f"{prefix}.word_embeddings.weight"],
        positions=state[f"{prefix}.position_embeddings.weight"] + state[f"{prefix}.token_type_embeddings.weight"][0],
        embedding_norm=read_norm(state, f"{prefix}.layer_norm"),
        projection=read_linear(state, f"{prefix}.projection") if f"{prefix}.projection.weight" in state else None,
        layers=tuple(read[name] for name in names),
        n_heads=first.mha.num_heads,
        activation=ACTIVATION_MODULES[_class_name(first.ffn.activation)],
        epsilon=embeddings.layer_norm.eps,
        padding_id=encoder.padding_idx if counts_padding else None,
        layers_per_output=len(encoder.groups[0].group_layers) if hasattr(encoder, "groups") else 1,
        attention=SelfAttention(mask_id=encoder.padding_idx if masked else None),
    )


def _layer_names(encoder: Any) -> list[str]:
    """Return the names of the layers in the order in which they run; ALBERT's several times."""
    if not hasattr(encoder, "groups"):
        return [f"layers.{i}" for i in range(len(encoder.layers))]
    runs_per_group = encoder.num_hidden_layers // len(encoder.groups)
    return [
        f"groups.{group}.group_layers.{i}"
        for group in range(len(encoder.groups))
        for _ in range(runs_per_group)
        for i in range(len(encoder.groups[group].group_layers))
    ]


def _layer(state: State, name: str) -> LayerWeights:
    return read_layer(
        state,
        name,
        qkv=("mha.input",),
        attention_out="mha.output",
        attention_norm="attn_output_layernorm",
        ffn_in="ffn.intermediate",
        ffn_out="ffn.output",
        ffn_norm="ffn_output_layernorm",
    )


def _class_name(module: Any) -> str:
    """Return the name of a module's class, also after TorchScript has compiled it."""
    return str(getattr(module, "original_name", type(module).__name__))
