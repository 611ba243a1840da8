"""One transformer of the original -> the bytes of its ONNX encoder, checked against torch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from spacy_lambda.compiler.graphs.builder import split_weights
from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.graphs.layers import LINEARS
from spacy_lambda.compiler.graphs.weights import EncoderWeights
from spacy_lambda.compiler.libraries import TransformerPart
from spacy_lambda.compiler.parity import Expected, MeasuredError, check_component, check_encoder, expect
from spacy_lambda.compiler.precisions import EXACT, USE_FP32, PrecisionRules
from spacy_lambda.compiler.quantize import calibrate, quantize_linears, quantize_table
from spacy_lambda.compiler.traced_graph import quantize_traced
from spacy_lambda.compiler.weight_only import quantize_weights
from spacy_lambda.core.compiled_meta import Precision
from spacy_lambda.core.progress import OnStep
from spacy_lambda.errors import CompileError
from spacy_lambda.runtime.encoder import EncoderBytes

__all__ = ["CompiledEncoder", "ExactEncoder", "calibration_windows", "compile_encoder", "make_exact"]

CALIBRATION_WINDOWS = 48
CALIBRATION_LENGTH = 160
LONGEST_CALIBRATION = 512


@dataclass(frozen=True)
class CompiledEncoder:
    """An encoder, ready to be written.

    :param model: The contents of its files.
    :param width: Columns of the hidden states.
    :param method: ``graph`` if the graph was written for the architecture, ``trace`` if torch exported it.
    :param largest_difference: Largest difference from torch's hidden states, on windows of random wordpieces.
    :param relative_error: Root mean square of the difference, relative to the hidden states' own.
    :param checked_length: Wordpieces of the longest window that was compared.
    """

    model: EncoderBytes
    width: int
    method: str
    largest_difference: float
    relative_error: float
    checked_length: int


@dataclass(frozen=True)
class ExactEncoder:
    """The exact graph of a transformer, from which the graphs of all precisions are made.

    :param expected: The original's hidden states.
    :param weights: The encoder's weights, unless it was traced.
    :param graph: The graph with its weights; without them if it was made for an exact precision alone.
    :param model: The same, as the contents of the encoder's files.
    :param error: Its error against the original.
    """

    expected: Expected
    weights: EncoderWeights | None
    graph: onnx.ModelProto
    model: EncoderBytes
    error: MeasuredError


def make_exact(part: TransformerPart, *, keep_graph: bool, on_step: OnStep) -> ExactEncoder:
    """Make the exact graph of a transformer, and check it against torch.

    At every precision: only the exact tolerance distinguishes an incorrect graph from an imprecise one.

    :param keep_graph: Keep the graph with its weights, for other precisions.
    :raises CompileError: If the model cannot be exported, or its graph differs from torch.
    """
    on_step("running torch", 0, 1)
    expected = expect(part)
    on_step("running torch", 1, 1)
    weights = part.weights()
    graph = build_graph(weights, all_layers=part.all_layers) if weights else _trace(part, on_step)
    model = split_weights(copy.deepcopy(graph) if keep_graph else graph)
    found = check_encoder(part, model, expected, EXACT, on_check=_checking(on_step))
    check_component(part, model, expected.width)
    return ExactEncoder(expected, weights, graph, model, found)


def compile_encoder(
    part: TransformerPart, exact: ExactEncoder, rules: PrecisionRules, *, texts: Sequence[str], on_step: OnStep
) -> CompiledEncoder:
    """Compile one transformer.

    :param exact: Its exact graph, with its weights unless the precision is exact.
    :param texts: Texts to calibrate with; random wordpieces where there are none.
    :raises CompileError: If its graph at the given precision is far from torch.
    """
    model, found, expected = exact.model, exact.error, exact.expected
    if not rules.exact:
        graph = GRAPHS[rules.name](part, exact.weights, copy.deepcopy(exact.graph), texts, on_step)
        model = split_weights(graph)
        found = check_encoder(part, model, expected, rules, on_check=_checking(on_step))
    method = "graph" if exact.weights else "trace"
    return CompiledEncoder(
        model, expected.width, method, found.largest_difference, found.relative_error, len(expected.windows[0])
    )


def calibration_windows(part: TransformerPart, texts: Sequence[str]) -> list[list[int]]:
    """Return the wordpieces of texts, or random ones where there are no texts, to calibrate with."""
    longest = min(part.max_length, LONGEST_CALIBRATION)
    found: list[list[int]] = []
    if texts:
        chosen = np.linspace(0, len(texts) - 1, min(len(texts), 4 * CALIBRATION_WINDOWS)).astype(int)
        windows = part.text_windows([texts[i] for i in chosen], longest)
        found = [window for window in windows if len(window) > 2]
    lengths = [min(CALIBRATION_LENGTH, longest)] * CALIBRATION_WINDOWS
    return found or part.sample_windows(lengths)


def _trace(part: TransformerPart, on_step: OnStep) -> onnx.ModelProto:
    on_step("tracing", 0, 1)
    graph = part.trace()
    on_step("tracing", 1, 1)
    return graph


def _checking(on_step: OnStep) -> Callable[[int, int], None]:
    return lambda done, total: on_step("checking", done, total)


def _quantize(
    part: TransformerPart, weights: EncoderWeights | None, exact: onnx.ModelProto, texts: Sequence[str], on_step: OnStep
) -> onnx.ModelProto:
    """Return the graph at int8: the one that is built for the architecture, or the traced one with integer weights."""
    if weights is None:
        return quantize_traced(exact)
    calibration = calibrate(
        weights, calibration_windows(part, texts), on_step=lambda done, all_: on_step("calibrating", done, all_)
    )
    linears = {}
    total = len(LINEARS) * len(set(weights.sources))
    try:
        for key, linear in quantize_linears(weights, calibration):
            linears[key] = linear
            on_step("quantizing", len(linears), total)
    except np.linalg.LinAlgError as exc:
        raise CompileError(f"the encoder of {part.name!r} cannot be quantized: {exc}", remedy=USE_FP32) from exc
    table = quantize_table(weights.words)
    return build_graph(weights, linears=linears, words=table, all_layers=part.all_layers)


GRAPHS: Mapping[
    Precision,
    Callable[[TransformerPart, EncoderWeights | None, onnx.ModelProto, Sequence[str], OnStep], onnx.ModelProto],
] = {"int8-weight-only": lambda part, weights, exact, texts, on_step: quantize_weights(exact), "int8": _quantize}
"""The graph of an encoder at each precision that is not exact, from its weights or from its exact graph."""
