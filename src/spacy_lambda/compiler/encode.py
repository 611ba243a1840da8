"""One transformer of the original -> the bytes of its ONNX encoder, checked against torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from ..errors import CompileError
from ..manifest import Precision
from ..runtime.encoder import Encoder, EncoderBytes
from .bert import build_graph
from .graph import split_weights
from .quantize import calibrate, quantize_linears, quantize_table, sample_windows
from .survey import TransformerPart
from .trace import quantize_traced, trace_graph
from .weights import is_bert_family, read_weights

__all__ = ["CompiledEncoder", "compile_encoder"]

TOLERANCE = 1e-3
"""Largest difference of fp32 hidden states from torch's, as a part of the hidden states' own size."""

CALIBRATION_WINDOWS = 48
CALIBRATION_LENGTH = 160
CHECKED_LENGTHS = (3, 17, 128)

OnStep = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class CompiledEncoder:
    """An encoder, ready to be written.

    :param model: The contents of its files.
    :param width: Columns of the hidden states.
    :param method: ``graph`` when the graph was written for the architecture, ``trace`` when torch exported it.
    :param largest_difference: From torch's hidden states, on windows of random wordpieces.
    :param relative_error: Root mean square of the difference, as a part of the hidden states' own.
    """

    model: EncoderBytes
    width: int
    method: str
    largest_difference: float
    relative_error: float


def compile_encoder(
    part: TransformerPart, precision: Precision, *, texts: Sequence[str], on_step: OnStep
) -> CompiledEncoder:
    """Compile one transformer.

    :param texts: For calibrating int8, the user's texts; none: random wordpieces.
    :raises CompileError: When the model cannot be exported, or the graph does not say what torch says.
    """
    by_hand = is_bert_family(part.model.config)
    if by_hand:
        graph = _compile_by_hand(part, precision, texts, on_step)
    else:
        on_step("tracing", 0, 1)
        graph = trace_graph(part.model)
        graph = quantize_traced(graph) if precision == "int8" else graph
        on_step("tracing", 1, 1)
    model = split_weights(graph)
    difference, error = _compare(part, model, on_step)
    if precision == "fp32" and not error <= TOLERANCE:
        raise CompileError(
            f"the encoder of {part.name!r} differs from torch's by {error:.2e} of its size (limit {TOLERANCE:.0e})",
            remedy="please report it, with the model's config.json",
        )
    return CompiledEncoder(model, part.model.config.hidden_size, "graph" if by_hand else "trace", difference, error)


def _compile_by_hand(
    part: TransformerPart, precision: Precision, texts: Sequence[str], on_step: OnStep
) -> onnx.ModelProto:
    weights = read_weights(part.model)
    if precision == "fp32":
        return build_graph(weights)
    calibration = calibrate(
        weights, _windows(part, texts), on_step=lambda done, all_: on_step("calibrating", done, all_)
    )
    linears = {}
    total = 4 * len(weights.layers)
    for key, linear in quantize_linears(weights, calibration):
        linears[key] = linear
        on_step("quantising", len(linears), total)
    return build_graph(weights, linears=linears, words=quantize_table(weights.words))


def _windows(part: TransformerPart, texts: Sequence[str]) -> list[list[int]]:
    if not texts:
        return _random_windows(part, count=CALIBRATION_WINDOWS, length=CALIBRATION_LENGTH)
    spread = [texts[i] for i in np.linspace(0, len(texts) - 1, min(len(texts), 4 * CALIBRATION_WINDOWS)).astype(int)]
    ids = part.tokenizer(spread, truncation=True, max_length=min(part.max_length, 512))["input_ids"]
    return [list(window) for window in ids if len(window) > 2]


def _random_windows(part: TransformerPart, *, count: int, length: int) -> list[list[int]]:
    opening, *_, closing = part.tokenizer("a text")["input_ids"]
    return sample_windows(
        part.model.config.vocab_size,
        first=opening,
        last=closing,
        count=count,
        length=min(length, part.max_length),
    )


def _compare(part: TransformerPart, model: EncoderBytes, on_step: OnStep) -> tuple[float, float]:
    """Largest difference and relative error against torch."""
    import torch

    encoder = Encoder(model)
    largest, squared, size = 0.0, 0.0, 0.0
    for done, length in enumerate(CHECKED_LENGTHS):
        (window,) = _random_windows(part, count=1, length=length)
        with torch.no_grad():
            ids = torch.tensor([window])
            expected: Any = part.model(input_ids=ids, attention_mask=torch.ones_like(ids))[0][0].numpy()
        (found,) = encoder([np.array(window, dtype=np.int64)])
        largest = max(largest, float(np.abs(found - expected).max()))
        squared += float(np.square(found - expected).sum())
        size += float(np.square(expected).sum())
        on_step("checking", done + 1, len(CHECKED_LENGTHS))
    return largest, float(np.sqrt(squared / max(size, 1e-12)))
