"""Learn the rounding of an encoder's weights, for ``int8.py``: the integers, scales, biases and norms with which its
hidden states are closest to those of fp32 on the calibration texts.

The encoder runs in torch with the quantization of weights and inputs simulated; gradients pass through the rounding as
if it were not there (the straight-through estimator: Bengio et al., 2013, https://arxiv.org/abs/1308.3432). It begins
with the weights that :func:`.quantize_linears` gives. Only encoders of BERT's form are known here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spacy_lambda.compiler.graphs.layers import LINEARS, LinearKey
from spacy_lambda.compiler.graphs.products import MIN_ACTIVATION, ExactInputs, QuantizedLinear
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Linear, Norm
from spacy_lambda.compiler.quantize import PAIR_LIMIT, WEIGHT_LIMIT

__all__ = ["learn"]

STEPS = 160
BATCH = 2
"""Windows in a step."""
WEIGHT_RATE, OTHER_RATE = 2e-5, 1e-4
"""Adam's learning rates, which fall to 0 as half a cosine."""


def learn(
    weights: EncoderWeights,
    linears: Mapping[LinearKey, QuantizedLinear],
    words: np.ndarray[Any, np.dtype[np.float32]],
    windows: Sequence[Sequence[int]],
) -> tuple[EncoderWeights, dict[LinearKey, QuantizedLinear]]:
    """Return weights with learned norms, and learned products.

    :param linears: The quantized products to begin with.
    :param words: The word embeddings as they are looked up.
    :param windows: Wordpiece ids to learn on.
    """
    exact = {(number, name): _Exact(getattr(weights.layers[number], name)) for number, name in linears}
    quantized = {key: _Quantized(key[1], linear) for key, linear in linears.items()}
    with torch.no_grad():
        reference = _Encoder(weights, exact, weights.words, approximate="none")
        expected = [reference(torch.tensor(window)) for window in windows]
    encoder = _Encoder(weights, quantized, words, approximate="tanh")
    large = [one for product in quantized.values() for one in (product.weight, product.exact)]
    others = [one for one in encoder.parameters() if all(one is not other for other in large)]
    optimizer = torch.optim.Adam([{"params": large, "lr": WEIGHT_RATE}, {"params": others, "lr": OTHER_RATE}])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / STEPS)))
    sizes = [torch.cat(list(states)).square().mean() for states in zip(*expected, strict=True)]
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        optimizer.zero_grad()
        for chosen in rng.choice(len(windows), BATCH, replace=False):
            states = encoder(torch.tensor(windows[chosen]))
            errors = [
                (found - aim).square().mean() / size
                for found, aim, size in zip(states[1:], expected[chosen][1:], sizes[1:], strict=True)
            ]
            # That of the last layer counts as much as those of all others.
            ((errors[-1] + sum(errors[:-1]) / max(len(errors) - 1, 1)) / BATCH).backward()
        optimizer.step()
        schedule.step()
    return encoder.learned(weights), {key: product.learned(linears[key]) for key, product in quantized.items()}


class _Exact(nn.Module):
    """A product in fp32."""

    def __init__(self, linear: Linear) -> None:
        super().__init__()
        self.weight = torch.tensor(linear.weight)
        self.bias = torch.tensor(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias


class _Quantized(nn.Module):
    """A product with its quantization simulated, as :func:`.multiply_quantized` does it."""

    def __init__(self, name: str, linear: QuantizedLinear) -> None:
        super().__init__()
        self._rows, self._terms = linear.per_row, linear.terms
        scale = np.ones(len(linear.weight)) if linear.input_scale is None else linear.input_scale
        self._input_scale = torch.tensor(scale, dtype=torch.float32)
        none = ExactInputs(np.zeros(0, dtype=np.int64), np.zeros((0, linear.weight.shape[1]), dtype=np.float32))
        inputs = linear.exact or none
        self._exact_inputs = torch.tensor(inputs.indices)
        self.exact = nn.Parameter(torch.tensor(inputs.weight))
        self.weight = nn.Parameter(torch.tensor(linear.weight * linear.scales))
        self.scales = nn.Parameter(torch.tensor(linear.scales).log())
        self.bias = nn.Parameter(torch.tensor(linear.bias))

    def forward(self, x: Tensor) -> Tensor:
        scaled = x * self._input_scale
        if self._terms == 1:  # with two terms, nothing is lost
            scaled = _through(scaled, self._rounded_inputs(scaled.detach()))
        scales = self.scales.exp()
        integers = self.weight / scales
        weight = _through(integers, _rounded_pairs(integers.detach())) * scales
        return scaled @ weight + x[..., self._exact_inputs] @ self.exact + self.bias

    def _rounded_inputs(self, scaled: Tensor) -> Tensor:
        largest = torch.ones(1)
        if self._rows == "signed":
            largest = scaled.abs().amax(-1, keepdim=True).clamp(min=1e-6)
        elif self._rows == "activations":
            least = -MIN_ACTIVATION * float(self._input_scale.max())
            largest = scaled.amax(-1, keepdim=True).clamp(min=least)
        rows = scaled / largest
        low, high = min(float(rows.min()), 0.0), max(float(rows.max()), 0.0)
        step = (high - low) / 255
        zero = round(-low / step)
        return (((rows / step).round() + zero).clamp(0, 255) - zero) * step * largest

    def learned(self, linear: QuantizedLinear) -> QuantizedLinear:
        """Return the product with what was learned."""
        with torch.no_grad():
            integers = _rounded_pairs(self.weight / self.scales.exp()).numpy().astype(np.int8)
            exact = None if linear.exact is None else replace(linear.exact, weight=self.exact.numpy())
            return replace(
                linear, weight=integers, scales=self.scales.exp().numpy(), bias=self.bias.numpy(), exact=exact
            )


@dataclass
class _Parts:
    """The modules of one layer."""

    products: dict[str, nn.Module]
    attention_norm: nn.LayerNorm
    ffn_norm: nn.LayerNorm


class _Encoder(nn.Module):
    """An encoder of BERT's form, for one window.

    :param approximate: Form of GELU: that of the int8 graph is ``tanh``.
    """

    def __init__(
        self,
        weights: EncoderWeights,
        products: Mapping[LinearKey, nn.Module],
        words: np.ndarray[Any, np.dtype[np.float32]],
        *,
        approximate: str,
    ) -> None:
        super().__init__()
        assert weights.positions is not None
        self._words, self._positions = torch.tensor(words), torch.tensor(weights.positions)
        self._heads, self._approximate, self._epsilon = weights.n_heads, approximate, weights.epsilon
        self.products = nn.ModuleList(products.values())
        self.norms = nn.ModuleList()
        self._embedding_norm = self._norm(weights.embedding_norm)
        self._layers = [
            _Parts(
                {name: products[number, name] for name in LINEARS},
                self._norm(layer.attention_norm),
                self._norm(layer.ffn_norm),
            )
            for number, layer in enumerate(weights.layers)
        ]

    def _norm(self, norm: Norm | None) -> nn.LayerNorm:
        assert norm is not None
        made = nn.LayerNorm(len(norm.weight), eps=self._epsilon)
        made.load_state_dict({"weight": torch.tensor(norm.weight), "bias": torch.tensor(norm.bias)})
        self.norms.append(made)
        return made

    def forward(self, ids: Tensor) -> list[Tensor]:
        """Return the states of the embeddings and of every layer."""
        states = [self._embedding_norm(self._words[ids] + self._positions[: len(ids)])]
        for layer in self._layers:
            x = states[-1]
            heads = [
                part.unflatten(-1, (self._heads, -1)).transpose(0, 1)[None]
                for part in layer.products["qkv"](x).chunk(3, -1)
            ]
            attended = functional.scaled_dot_product_attention(*heads)[0].transpose(0, 1).flatten(1)
            x = layer.attention_norm(x + layer.products["attention_out"](attended))
            inner = functional.gelu(layer.products["ffn_in"](x), approximate=self._approximate)
            states.append(layer.ffn_norm(x + layer.products["ffn_out"](inner)))
        return states

    def learned(self, weights: EncoderWeights) -> EncoderWeights:
        """Return the weights with the norms that were learned."""
        layers = tuple(
            replace(layer, attention_norm=_read(parts.attention_norm), ffn_norm=_read(parts.ffn_norm))
            for layer, parts in zip(weights.layers, self._layers, strict=True)
        )
        return replace(weights, embedding_norm=_read(self._embedding_norm), layers=layers)


def _read(norm: nn.LayerNorm) -> Norm:
    return Norm(norm.weight.detach().numpy(), norm.bias.detach().numpy())


def _through(value: Tensor, rounded: Tensor) -> Tensor:
    """Return the rounded value, whose gradient is that of the value."""
    return value + (rounded - value).detach()


def _rounded_pairs(weight: Tensor) -> Tensor:
    """Round as :mod:`spacy_lambda.compiler.quantize` does, within the limits of pairs."""
    first, second = weight[::2], weight[1::2]
    total = first + second
    excess = (total.abs() - PAIR_LIMIT).clamp(min=0) * total.sign()
    first = (first - excess / 2).round().clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
    least = (-PAIR_LIMIT - first.clamp(max=0)).clamp(min=-WEIGHT_LIMIT)
    most = (PAIR_LIMIT - first.clamp(min=0)).clamp(max=WEIGHT_LIMIT)
    second = torch.maximum(torch.minimum(second.round(), most), least)
    return torch.stack([first, second], dim=1).flatten(0, 1)
