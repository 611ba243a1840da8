"""Exact graph -> the same graph with weights of 8 bits, which become fp32 again when it is loaded.

Activations stay in fp32: nothing is rounded while it runs, so that hosts differ by no more than at fp32. Each column
of a weight is split into blocks of at most :data:`BLOCK` inputs, each rounded by its own range.

onnxruntime's ``MatMulNBits`` would keep the weights in 8 bits. With activations in fp32 it expands them in every run,
which takes longer than the product itself for short texts; its faster form rounds the activations to 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from spacy_lambda.runtime.sessions import FOLD_CONSTANTS

__all__ = ["BLOCK", "quantize_weights"]

BLOCK = 64
"""Inputs of a column that share a scale, at most."""

MIN_VALUES = 64
"""Numbers of the smallest weight that is quantized."""

LARGEST = 127
"""Largest quantized weight."""

Array = npt.NDArray[np.float32]


def quantize_weights(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Quantize the constants of a graph's matrix products and embeddings.

    :param graph: Written by hand or traced; it is changed.
    """
    constants = {one.name: one for one in graph.graph.initializer if _is_weight(one)}
    weights: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants:
            name = node.input[1]
            if name not in weights:
                weights[name] = f"{name}_fp32"
                nodes += _dequantize(graph, constants[name], weights[name])
            node.input[1] = weights[name]
            nodes.append(node)
        elif node.op_type == "Gather" and node.input[0] in constants and not _axis(node):
            nodes += _look_up(graph, constants[node.input[0]], node)
        else:
            nodes.append(node)
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    _remove_unused(graph.graph)
    helper.set_model_props(graph, {FOLD_CONSTANTS: "1"})
    return graph


def _is_weight(tensor: onnx.TensorProto) -> bool:
    return tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2 and np.prod(tensor.dims) >= MIN_VALUES


def _axis(node: onnx.NodeProto) -> int:
    return next((one.i for one in node.attribute if one.name == "axis"), 0)


def _dequantize(graph: onnx.ModelProto, tensor: onnx.TensorProto, name: str) -> Iterator[onnx.NodeProto]:
    """Yield nodes that give a weight in fp32; they depend on constants alone.

    A block is every n-th input, so that blocks and outputs side by side are one axis.
    """
    weight = _values(tensor)
    inputs, outputs = weight.shape
    size = _block(inputs)
    values, scales = _round(weight.reshape(size, inputs // size * outputs), axis=0)
    parts = {"q8": values, "scales": scales[0], "shape": np.array(weight.shape)}
    names = _add(graph, tensor.name, parts)
    yield helper.make_node("DequantizeLinear", [names["q8"], names["scales"]], [f"{name}_blocks"], axis=1)
    yield helper.make_node("Reshape", [f"{name}_blocks", names["shape"]], [name])


def _look_up(graph: onnx.ModelProto, tensor: onnx.TensorProto, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """Yield nodes that look up rows of a table in 8 bits, which stays so in memory."""
    values, scales = _round(_values(tensor), axis=1)
    names = _add(graph, tensor.name, {"rows": values, "row_scales": scales})
    out, ids = node.output[0], node.input[1]
    yield helper.make_node("Gather", [names["rows"], ids], [f"{out}_q8"])
    yield helper.make_node("Cast", [f"{out}_q8"], [f"{out}_rounded"], to=TensorProto.FLOAT)
    yield helper.make_node("Gather", [names["row_scales"], ids], [f"{out}_scales"])
    yield helper.make_node("Mul", [f"{out}_rounded", f"{out}_scales"], [out])


def _values(tensor: onnx.TensorProto) -> Array:
    return np.asarray(numpy_helper.to_array(tensor), dtype=np.float32)


def _block(inputs: int) -> int:
    """Return the largest size of equal blocks."""
    return next(size for size in range(min(BLOCK, inputs), 0, -1) if inputs % size == 0)


def _round(values: Array, *, axis: int) -> tuple[npt.NDArray[np.int8], Array]:
    """Return integers and their scales."""
    scales = np.abs(values).max(axis=axis, keepdims=True) / np.float32(LARGEST)
    scales[scales == 0] = 1
    return np.clip(np.round(values / scales), -LARGEST, LARGEST).astype(np.int8), scales


def _add(graph: onnx.ModelProto, name: str, arrays: dict[str, npt.NDArray[np.generic]]) -> dict[str, str]:
    """Add constants to a graph, those that it has already once, and return their names."""
    known = {one.name for one in graph.graph.initializer}
    names = {kind: f"{name}_{kind}" for kind in arrays}
    graph.graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(array), names[kind])
        for kind, array in arrays.items()
        if names[kind] not in known
    )
    return names


def _remove_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input} | {one.name for one in graph.output}
    kept = [one for one in graph.initializer if one.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
