"""Small encoders of random weights, and their hidden states, in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from math import erf
from typing import Any

import numpy as np
import numpy.typing as npt

from spacy_lambda.compiler.graphs.attention import SelfAttention
from spacy_lambda.compiler.graphs.weights import Activation, EncoderWeights, LayerWeights, Linear, Norm
from spacy_lambda.runtime.encoder import INPUT
from spacy_lambda.runtime.onnx_import import import_onnxruntime

WIDTH, HEADS, INNER, VOCABULARY, POSITIONS = 8, 2, 12, 29, 16

Array = npt.NDArray[Any]


def random_encoder(
    *,
    activation: Activation = "gelu",
    layers: int = 2,
    padding_id: int | None = None,
    embedding: int = WIDTH,
    mask_id: int | None = None,
) -> EncoderWeights:
    """Make an encoder; the same settings give the same weights."""
    rng = np.random.default_rng(0)

    def array(*shape: int) -> npt.NDArray[np.float32]:
        return rng.normal(scale=0.5, size=shape).astype(np.float32)

    def linear(inputs: int, outputs: int) -> Linear:
        return Linear(array(inputs, outputs), array(outputs))

    def norm(width: int) -> Norm:
        return Norm(1 + array(width), array(width))

    def layer() -> LayerWeights:
        return LayerWeights(
            qkv=linear(WIDTH, 3 * WIDTH),
            attention_out=linear(WIDTH, WIDTH),
            attention_norm=norm(WIDTH),
            ffn_in=linear(WIDTH, INNER),
            ffn_out=linear(INNER, WIDTH),
            ffn_norm=norm(WIDTH),
        )

    return EncoderWeights(
        words=array(VOCABULARY, embedding),
        positions=array(POSITIONS, embedding),
        embedding_norm=norm(embedding),
        projection=linear(embedding, WIDTH) if embedding != WIDTH else None,
        layers=tuple(layer() for _ in range(layers)),
        n_heads=HEADS,
        activation=activation,
        epsilon=1e-12,
        padding_id=padding_id,
        attention=SelfAttention(mask_id),
    )


def encode(weights: EncoderWeights, ids: Sequence[int]) -> Array:
    """Compute an encoder's hidden states of one window. *Shape:* ``(wordpieces, width)``"""
    assert weights.positions is not None
    if weights.padding_id is None:
        positions = np.arange(len(ids))
    else:
        counted = np.array(ids) != weights.padding_id
        positions = np.cumsum(counted) * counted + weights.padding_id
    x = _norm(weights.words[list(ids)] + weights.positions[positions], weights.embedding_norm, weights.epsilon)
    if weights.projection is not None:
        x = _linear(x, weights.projection)
    mask = np.where(np.array(ids) == getattr(weights.attention, "mask_id", None), np.finfo(np.float32).min, 0)
    for layer in weights.layers:
        attended = _linear(_attention(_linear(x, layer.qkv), mask), layer.attention_out)
        x = _norm(attended + x, layer.attention_norm, weights.epsilon)
        inner = _activate(_linear(x, layer.ffn_in), weights.activation)
        x = _norm(_linear(inner, layer.ffn_out) + x, layer.ffn_norm, weights.epsilon)
    return x


def _attention(qkv: Array, mask: Array) -> Array:
    heads = []
    for head in range(HEADS):
        size = WIDTH // HEADS
        query, key, value = (qkv[:, part * WIDTH + head * size :][:, :size] for part in range(3))
        scores = (query @ key.T / np.sqrt(size)).astype(np.float32) + mask.astype(np.float32)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        heads.append(powers / powers.sum(axis=1, keepdims=True) @ value)
    return np.concatenate(heads, axis=1)


def _linear(x: Array, linear: Linear) -> Array:
    assert linear.bias is not None
    return x @ linear.weight.astype(np.float64) + linear.bias


def _norm(x: Array, norm: Norm | None, epsilon: float) -> Array:
    assert norm is not None
    assert norm.bias is not None
    centred = x - x.mean(axis=1, keepdims=True)
    scaled: Array = centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + epsilon)
    return scaled * norm.weight + norm.bias


def _activate(x: Array, activation: Activation) -> Array:
    if activation == "relu":
        return np.maximum(x, 0)
    if activation == "gelu_tanh":
        distribution: Array = 1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    else:
        distribution = 1 + np.vectorize(erf)(x / np.sqrt(2))
    return np.multiply(0.5 * x, distribution)


def run(model: Any, ids: Sequence[int]) -> list[npt.NDArray[np.float32]]:
    session = import_onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: list[npt.NDArray[np.float32]] = session.run(None, {INPUT: np.array([ids], dtype=np.int64)})
    return found
