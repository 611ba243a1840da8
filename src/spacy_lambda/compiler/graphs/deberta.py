"""A transformers model of DeBERTa or DeBERTa-v2 (and v3), with disentangled attention -> its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spacy_lambda.compiler.graphs.attention import Attend, multi_head, split_qkv
from spacy_lambda.compiler.graphs.bert import is_plain_encoder, read_bert_layer
from spacy_lambda.compiler.graphs.builder import CONTRIB, GraphBuilder
from spacy_lambda.compiler.graphs.distances import Distances
from spacy_lambda.compiler.graphs.weights import (
    ACTIVATIONS,
    EncoderWeights,
    Floats,
    Linear,
    State,
    read_linear,
    read_norm,
    read_state,
    side_by_side,
)

__all__ = ["DisentangledAttention", "is_plain_deberta", "read_deberta_v2_weights", "read_deberta_weights"]


@dataclass(frozen=True)
class DisentangledAttention:
    """Attention whose scores also depend on the distance of query and key: by the query (c2p), by the key (p2c).

    The projections of the distances' embeddings depend on the weights alone, and are computed when the graph is built.

    :param keys: The distances' keys in each layer, divided by the scale; empty without c2p. *Shape of each:*
        ``(1, heads, rows, head width)``
    :param queries: The distances' queries, likewise; empty without p2c.
    :param rows: The row of each distance from ``-n`` to ``n``; beyond, the first and the last.
        *Shape:* ``(2 * n + 1,)``
    :param scale: Factor of the product of query and key.
    """

    keys: tuple[Floats, ...]
    queries: tuple[Floats, ...]
    rows: npt.NDArray[np.int64]
    scale: float

    def start(self, g: GraphBuilder, n_heads: int) -> Attend:
        """Add the rows of the distances, and of their negatives."""
        distances = Distances(g, len(self.rows) // 2)
        by_key, by_query = (g.op("Gather", g.const(rows), distances.indices) for rows in (self.rows, self.rows[::-1]))

        def attend(layer: int, qkv: str) -> str:
            query, key, value = split_qkv(g, qkv)
            scores = []
            if self.keys:
                scores.append(distances.align(_scores(g, query, self.keys[layer], by_query, n_heads)))
            if self.queries:
                aligned = distances.align(_scores(g, key, self.queries[layer], by_key, n_heads))
                scores.append(g.op("Transpose", aligned, perm=[0, 1, 3, 2]))
            bias = scores[0] if len(scores) == 1 else g.op("Add", *scores)
            return multi_head(g, query, key, value, "", "", bias, num_heads=n_heads, scale=self.scale)

        return attend


def _scores(g: GraphBuilder, x: str, table: Floats, rows: str, n_heads: int) -> str:
    """Multiply queries or keys by the rows of a table. *Shape:* ``(batch, heads, wordpieces, 2 * wordpieces)``"""
    heads = g.op("Transpose", g.op("Reshape", x, g.const(np.array([0, 0, n_heads, -1]))), perm=[0, 2, 1, 3])
    return g.op("FusedMatMul", heads, g.op("Gather", g.const(table), rows, axis=2), domain=CONTRIB, transB=1)


def is_plain_deberta(config: Any) -> bool:
    """Return whether a model has none of the settings that the graph does not compute."""
    kinds, buckets = config.pos_att_type or [], getattr(config, "position_buckets", -1)
    return (
        is_plain_encoder(config)
        and config.relative_attention
        and sorted(kinds) in (["c2p"], ["p2c"], ["c2p", "p2c"])
        and (buckets < 1 or (buckets >= 4 and buckets % 2 == 0 and _farthest(config) > buckets))
        and getattr(config, "conv_kernel_size", 0) < 1
        and not getattr(config, "talking_head", False)
        and getattr(config, "embedding_size", config.hidden_size) == config.hidden_size
        and getattr(config, "attention_head_size", _head_width(config)) == _head_width(config)
    )


def read_deberta_weights(model: Any) -> EncoderWeights:
    """Read the weights of a ``DebertaModel``."""

    def qkv(state: State, name: str) -> Linear:
        # Queries, keys and values of one head are next to each other.
        weight = state[f"{name}.in_proj.weight"]
        by_head = weight.reshape(model.config.num_attention_heads, 3, -1, weight.shape[1])
        bias = np.concatenate(
            [state[f"{name}.q_bias"], np.zeros_like(state[f"{name}.q_bias"]), state[f"{name}.v_bias"]]
        )
        return Linear(np.ascontiguousarray(by_head.swapaxes(0, 1).reshape(weight.shape).T), bias)

    return _read(model, qkv, {"c2p": "pos_proj", "p2c": "pos_q_proj"})


def read_deberta_v2_weights(model: Any) -> EncoderWeights:
    """Read the weights of a ``DebertaV2Model``."""

    def qkv(state: State, name: str) -> Linear:
        return side_by_side([read_linear(state, f"{name}.{part}_proj") for part in ("query", "key", "value")])

    shared = getattr(model.config, "share_att_key", False)
    return _read(
        model,
        qkv,
        {"c2p": "key_proj", "p2c": "query_proj"} if shared else {"c2p": "pos_key_proj", "p2c": "pos_query_proj"},
    )


def _read(model: Any, qkv: Callable[[State, str], Linear], projections: dict[str, str]) -> EncoderWeights:
    config, state = model.config, read_state(model)
    names = [f"encoder.layer.{i}" for i in range(config.num_hidden_layers)]
    words, positions = _embeddings(state)
    return EncoderWeights(
        words=words,
        positions=positions,
        embedding_norm=read_norm(state, "embeddings.LayerNorm"),
        layers=tuple(read_bert_layer(state, name, qkv(state, f"{name}.attention.self")) for name in names),
        n_heads=config.num_attention_heads,
        activation=ACTIVATIONS[config.hidden_act],
        epsilon=config.layer_norm_eps,
        attention=_attention(model, state, names, projections),
    )


def _embeddings(state: State) -> tuple[Floats, Floats | None]:
    """Return words and positions; token type 0 is added to the positions, or to the words where there are none."""
    words, positions, types = (
        state.get(f"embeddings.{kind}_embeddings.weight") for kind in ("word", "position", "token_type")
    )
    assert words is not None
    if types is None:
        return words, positions
    return (words + types[0], None) if positions is None else (words, positions + types[0])


def _attention(model: Any, state: State, names: list[str], projections: dict[str, str]) -> DisentangledAttention:
    config = model.config
    embeddings = model.encoder.get_rel_embedding().detach().cpu().float().numpy()
    scale = float(1 / np.sqrt(_head_width(config) * (1 + len(config.pos_att_type))))

    def project(kind: str) -> tuple[Floats, ...]:
        linears = [
            read_linear(state, f"{name}.attention.self.{projections[kind]}")
            for name in names
            if kind in config.pos_att_type
        ]
        rows = [linear(embeddings) * np.float32(scale) for linear in linears]
        return tuple(one.reshape(1, len(one), config.num_attention_heads, -1).swapaxes(1, 2) for one in rows)

    return DisentangledAttention(project("c2p"), project("p2c"), _rows(model, len(embeddings)), scale)


def _rows(model: Any, count: int) -> npt.NDArray[np.int64]:
    """Return the row of each distance, up to the one from which they no longer differ."""
    import torch

    farthest = _farthest(model.config)
    buckets = model.encoder.get_rel_pos(torch.empty(1, farthest + 1, 1))[0].numpy()
    distances = np.concatenate([buckets[0, :0:-1], buckets[:, 0]])
    rows: npt.NDArray[np.int64] = np.clip(distances + count // 2, 0, count - 1).astype(np.int64)
    return rows


def _farthest(config: Any) -> int:
    farthest = getattr(config, "max_relative_positions", -1)
    return int(config.max_position_embeddings if farthest < 1 else farthest)


def _head_width(config: Any) -> int:
    return int(config.hidden_size // config.num_attention_heads)
