"""The layers of an encoder as parts of its graph."""

from __future__ import annotations

from collections.abc import Mapping

from spacy_lambda.compiler.graphs.builder import CONTRIB, GraphBuilder
from spacy_lambda.compiler.graphs.products import QuantizedLinear, multiply, multiply_quantized
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Norm

__all__ = ["LINEARS", "LayerBuilder", "LinearKey", "normalize"]

LINEARS = ("qkv", "attention_out", "ffn_in", "ffn_out")
"""The matrix products of a layer, by their names in :class:`.weights.LayerWeights`."""

LinearKey = tuple[int, str]
"""Layer and name of one matrix product; of layers that share their weights, the first."""


class LayerBuilder:
    """Adds layers to a graph.

    :param linears: The quantized matrix products; those that are missing stay in fp32.
    :param probe: Make the input of every matrix product an output of the graph.
    """

    def __init__(
        self, g: GraphBuilder, weights: EncoderWeights, linears: Mapping[LinearKey, QuantizedLinear], *, probe: bool
    ) -> None:
        self._g = g
        self._weights = weights
        self._linears = linears
        self._probe = probe
        self._attend = weights.attention.start(g, weights.n_heads)

    def add(self, number: int, hidden: str) -> str:
        """Add a layer and return its hidden states."""
        return (
            self._norms_after(number, hidden)
            if self._weights.final_norm is None
            else self._norms_before(number, hidden)
        )

    def _norms_after(self, number: int, hidden: str) -> str:
        layer = self._weights.layers[number]
        attended = self._normalize(layer.attention_norm, self._g.op("Add", self._attention(number, hidden), hidden))
        return self._normalize(layer.ffn_norm, self._g.op("Add", self._feed_forward(number, attended), attended))

    def _norms_before(self, number: int, hidden: str) -> str:
        layer = self._weights.layers[number]
        attended = self._attention(number, self._normalize(layer.attention_norm, hidden))
        hidden = self._g.op("Add", attended, hidden)
        return self._g.op("Add", self._feed_forward(number, self._normalize(layer.ffn_norm, hidden)), hidden)

    def _attention(self, number: int, hidden: str) -> str:
        return self._multiply(number, "attention_out", self._attend(number, self._multiply(number, "qkv", hidden)))

    def _feed_forward(self, number: int, hidden: str) -> str:
        inner = self._multiply(number, "ffn_in", hidden)
        if not self._weights.gated:
            return self._multiply(number, "ffn_out", self._activate(inner))
        activated, gates = self._g.op_many("Split", inner, outputs=2, axis=-1, num_outputs=2)
        return self._multiply(number, "ffn_out", self._g.op("Mul", self._activate(activated), gates))

    def _multiply(self, number: int, name: str, x: str) -> str:
        if self._probe:
            self._g.probe(x)
        quantized = self._linears.get((self._weights.sources[number], name))
        if quantized is not None:
            return multiply_quantized(self._g, quantized, x)
        return multiply(self._g, getattr(self._weights.layers[number], name), x)

    def _activate(self, x: str) -> str:
        if self._weights.activation == "gelu":
            return self._g.op("Gelu", x, domain=CONTRIB)
        if self._weights.activation == "gelu_tanh":
            return self._g.op("FastGelu", x, domain=CONTRIB)
        return self._g.op("Relu", x)

    def _normalize(self, norm: Norm | None, x: str) -> str:
        return x if norm is None else normalize(self._g, norm, x, self._weights.epsilon)


def normalize(g: GraphBuilder, norm: Norm, x: str, epsilon: float) -> str:
    """Add a layer normalization."""
    constants = [g.const(array) for array in (norm.weight, norm.bias) if array is not None]
    return g.op("LayerNormalization", x, *constants, axis=-1, epsilon=epsilon)
