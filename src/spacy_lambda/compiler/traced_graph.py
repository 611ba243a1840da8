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
from typing import Any

import onnx

from spacy_lambda.errors import CompileError
from spacy_lambda.runtime.encoder import INPUT, OUTPUT
from spacy_lambda.runtime.onnx_import import import_onnxruntime

__all__ = ["quantize_traced", "trace_graph"]

OPSET = 17
SAMPLE_LENGTH = 19


def trace_graph(model: Any, *, token_types: bool, longest: int = SAMPLE_LENGTH) -> onnx.ModelProto:
    """Trace a model to a graph with the same input and output as that of :func:`.encoder_graph.build_graph`.

    :param model: A ``PreTrainedModel``.
    :param token_types: The original's tokenizer gives token types, all 0; some models give other outputs without them.
    :param longest: Maximum number of wordpieces that the model takes.
    :raises CompileError: If torch cannot export it.
    """
    import torch

    class TracedEncoder(torch.nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, input_ids: Any) -> Any:
            # Windows come unpadded: everything is attended to.
            more = {"token_type_ids": torch.zeros_like(input_ids)} if token_types else {}
            mask = torch.ones_like(input_ids)
            return self.inner(input_ids=input_ids, attention_mask=mask, **more).last_hidden_state

    length = min(SAMPLE_LENGTH, longest)
    sample = torch.arange(2 * length).reshape(2, -1) % model.config.vocab_size
    buffer = io.BytesIO()
    try:
        with torch.no_grad(), _quiet():
            torch.onnx.export(
                TracedEncoder(model).eval(),
                (sample,),
                buffer,  # type: ignore[arg-type]
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "batch", 1: "wordpieces"}, OUTPUT: {0: "batch", 1: "wordpieces"}},
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as exc:  # any error of torch's exporter
        raise CompileError(
            f"torch cannot export {type(model).__name__} to ONNX: {type(exc).__name__}: {exc}",
            remedy="use an encoder such as BERT, RoBERTa, ELECTRA or DistilBERT",
        ) from exc
    return _optimized(onnx.load_from_string(buffer.getvalue()))


def quantize_traced(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Quantize a traced graph's matrix products and embeddings, with weights of 7 bits (see :mod:`.quantize`)."""
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
    """Return the graph after those of onnxruntime's fusions that do not depend on this machine.

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
