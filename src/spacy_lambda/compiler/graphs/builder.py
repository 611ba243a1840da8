"""A builder of ONNX graphs, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from spacy_lambda.runtime.encoder import WEIGHTS_FILE, EncoderBytes

__all__ = ["CONTRIB", "GraphBuilder", "split_weights"]

CONTRIB = "com.microsoft"
"""Domain of onnxruntime's own operators
(https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md)."""

MIN_EXTERNAL_BYTES = 1024
"""Bytes below which a constant stays in the graph."""

ALIGNMENT = 64

OPSET = 21
IR_VERSION = 10


def split_weights(model: onnx.ModelProto) -> EncoderBytes:
    """Move a model's large constants out of it, in the form of ONNX's external data
    (https://onnx.ai/onnx/repo-docs/ExternalData.html). The model is changed.
    """
    weights = bytearray()
    for tensor in model.graph.initializer:
        data = tensor.raw_data
        if len(data) < MIN_EXTERNAL_BYTES:
            continue
        weights += bytes(-len(weights) % ALIGNMENT)
        places = {"location": WEIGHTS_FILE, "offset": str(len(weights)), "length": str(len(data))}
        weights += data
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in places.items():
            tensor.external_data.add(key=key, value=value)
    return EncoderBytes(model.SerializeToString(), bytes(weights))


class GraphBuilder:
    """Collects nodes and constants; values are passed around by their names."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._probes: list[str] = []
        self._named: dict[Any, tuple[npt.NDArray[Any], str]] = {}

    def const(self, array: npt.NDArray[Any]) -> str:
        """Add a constant and name it; an array is stored once, however many layers share it."""
        key = (array.dtype, array.shape, array.tobytes()) if array.nbytes < MIN_EXTERNAL_BYTES else id(array)
        if key not in self._named:
            name = f"c{len(self._constants)}"
            self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
            # The array is kept, so that no other one can get its id.
            self._named[key] = array, name
        return self._named[key][1]

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and name that output.

        :param inputs: Names of values; an empty name leaves an optional input out.
        """
        return self.op_many(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def op_many(self, kind: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> tuple[str, ...]:
        """Add a node with several outputs and name them."""
        names = tuple(f"v{len(self._nodes)}_{i}" for i in range(outputs))
        self._nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names

    def probe(self, value: str) -> None:
        """Make a value an output of the graph, after the encoder's output."""
        self._probes.append(value)

    def _rename(self, value: str, name: str) -> None:
        """Rename a value, which costs nothing at run time; an Identity node would copy it."""
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [name if one == value else one for one in names]

    def build(self, input_name: str, output: str, output_name: str, shape: Sequence[str | int]) -> onnx.ModelProto:
        """Build the model, with one input of ids *(batch, wordpieces)* and one output.

        :param output: The value that becomes the output.
        :param output_name: The output's name.
        :param shape: The output's shape.
        """
        self._rename(output, output_name)
        outputs = [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, shape)]
        outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self._probes]
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(input_name, TensorProto.INT64, ["batch", "wordpieces"])],
            outputs,
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="spacy-lambda")
