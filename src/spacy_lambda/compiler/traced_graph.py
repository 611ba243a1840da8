"""Any other encoder -> an ONNX graph, traced by torch.

For architectures that :mod:`.graphs` does not build: slower to run than a graph written for the purpose, and as
exact.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any, Literal

import onnx

from spacy_lambda.compiler.traceable import traceable
from spacy_lambda.errors import CompileError, first_line
from spacy_lambda.runtime.encoder import INPUT, OUTPUT, TOKEN_TYPES
from spacy_lambda.runtime.onnx_import import import_onnxruntime

__all__ = ["TokenTypes", "quantize_traced", "trace_graph"]

TokenTypes = Literal["none", "zeros", "input"]
"""Token types that a model gets: none, always 0, or the tokenizer's as a second input."""

OPSET = 17
SAMPLE_LENGTH = 19


def trace_graph(model: Any, *, token_types: TokenTypes, longest: int = SAMPLE_LENGTH) -> onnx.ModelProto:
    """Trace a model to a graph with the input and the output of :func:`.encoder_graph.build_graph`.

    :param model: A ``PreTrainedModel``.
    :param token_types: Token types of the original's tokenizer; some models give other outputs without zeros.
    :param longest: Maximum number of wordpieces that the model takes.
    :raises CompileError: If torch cannot export it.
    """
    import torch

    class TracedEncoder(torch.nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, input_ids: Any, types: Any = None) -> Any:
            # Windows come unpadded: everything is attended to.
            zeros = torch.zeros_like(input_ids) if token_types == "zeros" else types
            more = {} if zeros is None else {"token_type_ids": zeros}
            mask = torch.ones_like(input_ids)
            return self.inner(input_ids=input_ids, attention_mask=mask, **more).last_hidden_state

    # One window, as at run time: X-MOD's code depends on the number of windows.
    sample = torch.arange(min(SAMPLE_LENGTH, longest)).unsqueeze(0) % model.config.vocab_size
    inputs = [INPUT, TOKEN_TYPES] if token_types == "input" else [INPUT]
    buffer = io.BytesIO()
    try:
        with torch.no_grad(), _quiet(), traceable(model):
            torch.onnx.export(
                TracedEncoder(model).eval(),
                tuple(torch.zeros_like(sample) if name == TOKEN_TYPES else sample for name in inputs),
                buffer,  # type: ignore[arg-type]
                input_names=inputs,
                output_names=[OUTPUT],
                dynamic_axes={name: {0: "batch", 1: "wordpieces"} for name in (*inputs, OUTPUT)},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as exc:  # any error of torch's exporter
        raise CompileError(
            f"torch cannot export {type(model).__name__} to ONNX: {type(exc).__name__}: {first_line(exc)}",
            remedy="use an encoder such as BERT, RoBERTa, ELECTRA or DistilBERT",
        ) from exc
    return _optimized(onnx.load_from_string(buffer.getvalue()))


def quantize_traced(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Quantize a traced graph's matrix products and embeddings, with weights of 7 bits.

    Any two products of such a weight and an 8-bit input fit 16 bits (see :mod:`.quantize`).
    """
    import_onnxruntime()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, target = Path(folder, "in.onnx"), Path(folder, "out.onnx")
        onnx.save(graph, source)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        return _optimized(onnx.load(target))


def _optimized(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph, fused by onnxruntime where the fusion does not depend on this machine.

    :raises CompileError: If onnxruntime refuses the graph.
    """
    onnxruntime = import_onnxruntime()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "optimized.onnx")
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(target)
        options.log_severity_level = 3
        try:
            onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as exc:  # onnxruntime's exceptions share no public base
            raise CompileError(
                f"onnxruntime cannot run the graph that torch exported: {exc}",
                remedy="use an encoder such as BERT, RoBERTa, ELECTRA or DistilBERT",
            ) from exc
        return onnx.load(target)


@contextlib.contextmanager
def _quiet() -> Any:
    """Suppress the exporters' notes on their own code."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
