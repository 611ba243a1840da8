"""The machine's own limit of int8: ``MatMulInteger`` of the shapes of an encoder's products, and nothing else.

Imported by ``run.py``, where onnx is installed, and by ``worker.py``, which has the base install of spacy-lambda alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BLOCKS, CALLS = 5, 7
PAUSE_S = 0.1
"""Between the two, because the threads of a session go on to spin for a while after its last call."""

PRODUCTS = ("DynamicQuantizeMatMul", "MatMulInteger", "MatMulIntegerToFloat")
WEIGHT, ZERO_POINT = 1, 4
"""Inputs of these; the last has the zero point of its activations."""


def write_products(compiled: Path, file: Path) -> float:
    """Write a model with the integer products of a compiled pipeline's encoder, side by side.

    :param compiled: The pipeline's folder, at int8.
    :returns: Operations for each wordpiece: two for each weight of a layer.
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    shapes = find_shapes(onnx.load(next(compiled.glob("*/encoder.onnx")), load_external_data=False).graph)
    nodes, weights, inputs = [], [], {}
    for number, (rows, columns) in enumerate(shapes):
        values = rng.integers(-64, 64, (rows, columns), dtype=np.int8)
        weights.append(numpy_helper.from_array(values, f"weight{number}"))
        nodes.append(helper.make_node("MatMulInteger", [f"x{rows}", f"weight{number}"], [f"y{number}"]))
        inputs[rows] = helper.make_tensor_value_info(f"x{rows}", TensorProto.UINT8, ["wordpieces", rows])
    last = helper.make_tensor_value_info(f"y{len(nodes) - 1}", TensorProto.INT32, None)
    graph = helper.make_graph(nodes, "products", list(inputs.values()), [last], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    return float(sum(2 * rows * columns for rows, columns in shapes))


def find_shapes(graph: Any) -> list[tuple[int, int]]:
    """Return the shapes of the weights of integer products: once for those that multiply two terms of their input."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type not in PRODUCTS:
            continue
        # The zero point of the second term is a constant.
        if node.op_type == "MatMulIntegerToFloat" and node.input[ZERO_POINT] in constants:
            continue
        rows, columns = constants[node.input[WEIGHT]].dims
        found.append((rows, columns))
    return found


def time_products(nlp: Any, file: Path, text: str) -> dict[str, float]:
    """Time the products alone and the whole encoder on the windows of a text, by turns, in milliseconds.

    :param nlp: The compiled pipeline.
    :param file: From :func:`write_products`.
    """
    import numpy as np
    import onnxruntime

    from spacy_lambda.runtime.cpus import available_cpus
    from spacy_lambda.runtime.private_transformer import find_transformers

    transformer, *_ = find_transformers(nlp)
    windows = transformer.prepare(nlp.make_doc(text)).windows
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cpus()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    feeds = [
        {one.name: rng.integers(0, 256, (len(window), one.shape[1]), dtype=np.uint8) for one in session.get_inputs()}
        for window in windows
    ]
    timed = {
        "products_ms": lambda: [session.run(None, feed) for feed in feeds],
        "encoder_ms": lambda: transformer._encoder(windows),
    }
    found: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(BLOCKS):
        for name, call in timed.items():
            time.sleep(PAUSE_S)
            found[name] += _times(call)
    return {**{name: statistics.median(times) for name, times in found.items()}, "wordpieces": sum(map(len, windows))}


def describe(limits: Sequence[dict[str, float]], warm_ms: float) -> str:
    """Return the part of the limit that is reached, in a sentence.

    :param limits: From several processes.
    """
    products, encoder = (statistics.median(one[key] for one in limits) for key in ("products_ms", "encoder_ms"))
    speed = statistics.median(one["operations"] * one["wordpieces"] / one["products_ms"] / 1e6 for one in limits)
    return (
        f"int8 products alone {products:.1f} ms ({speed:,.0f} GOP/s), encoder {encoder:.1f} ms: it reaches"
        f" {products / encoder:.0%} of what they allow, and the whole pipeline {products / warm_ms:.0%}"
    )


def _times(call: Callable[[], object]) -> list[float]:
    """Return the milliseconds of some calls, after one that is not counted."""
    found = []
    for _ in range(CALLS + 1):
        begun = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - begun))
    return found[1:]
