"""Integer products on an emulated CPU without VNNI, which adds pairs of them in 16 bits."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys

import pytest

QEMU = shutil.which("qemu-x86_64")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="emulates an x86-64 CPU"),
    pytest.mark.skipif(QEMU is None, reason="qemu-x86_64 is not installed: apt-get install qemu-user"),
]

PROGRAM = """
import json
import numpy as np
import onnxruntime
from onnx import TensorProto
from spacy_lambda.compiler.graphs.builder import GraphBuilder
from spacy_lambda.compiler.graphs.products import QuantizedLinear, multiply_quantized

def largest_error(pattern, terms):
    weight = np.tile(np.array(pattern, np.int8), 96)[:, np.newaxis].repeat(48, 1).copy()
    inputs = np.full((5, len(weight)), 255, np.float32)
    inputs[:, -1] = 0
    linear = QuantizedLinear(weight, np.ones(48, np.float32), None, None, None, terms=terms)
    builder = GraphBuilder()
    model = builder.build("x", multiply_quantized(builder, linear, "x"), "y", [None, 48])
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": inputs})
    return float(np.abs(found - inputs @ weight.astype(np.float32)).max())

patterns = [(64, 64, 64, 64), (127, 1, 1, 127), (1, 127, 127, 1), (-64, -64, -64, -64), (127, 127, 127, 127)]
print(json.dumps([[largest_error(pattern, terms) for terms in (1, 2)] for pattern in patterns]))
"""


def test_limited_pairs_do_not_saturate() -> None:
    """Pairs up to the limit are exact, whatever lies beside them; those beyond it are not."""
    done = subprocess.run(
        [str(QEMU), "-cpu", "Haswell", sys.executable, "-c", PROGRAM],
        env={"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    *limited, beyond = json.loads(done.stdout)
    assert limited == [[0.0, 0.0]] * 4
    assert min(beyond) > 0
