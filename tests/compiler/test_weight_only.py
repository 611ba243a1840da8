"""Weights of 8 bits with activations in fp32: close to the exact graph, and fp32 again when it is loaded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from onnx import numpy_helper

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.graphs.builder import split_weights
from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.weight_only import BLOCK, _block, _round, quantize_weights
from spacy_lambda.runtime.encoder import Encoder
from tests.compiler.architectures import CASES, build
from tests.compiler.arrays import VOCABULARY, encode, random_encoder
from tests.compiler.pipelines import unproved

RNG = np.random.default_rng(1)
WINDOW = RNG.integers(2, VOCABULARY, size=12)


def error(found: np.typing.NDArray[np.float32], expected: np.typing.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(found - expected).mean() / np.square(expected).mean()))


@pytest.mark.parametrize("padding_id", [None, 1])
def test_the_encoder_is_close_to_its_original(padding_id: int | None, tmp_path: Path) -> None:
    weights = random_encoder(padding_id=padding_id)
    model = split_weights(quantize_weights(build_graph(weights)))
    Encoder(model).write(tmp_path)
    for source in (model, tmp_path):
        (found,) = Encoder(source)([WINDOW])
        assert 1e-4 < error(found, encode(weights, WINDOW.tolist())) < 0.05


def test_every_product_and_every_large_table_is_quantized() -> None:
    exact = build_graph(random_encoder(padding_id=1))
    kinds = Counter(node.op_type for node in exact.graph.node)
    graph = quantize_weights(exact).graph
    found = Counter(node.op_type for node in graph.node)
    assert found["DequantizeLinear"] == kinds["MatMul"] == 8
    assert found["Gather"] == 2 * kinds["Gather"]
    floats = [one for one in graph.initializer if one.data_type == onnx.TensorProto.FLOAT and len(one.dims) > 1]
    assert {tuple(one.dims)[1] for one in floats} == {1}, "scales of embeddings"


def test_a_constant_of_several_nodes_is_stored_once() -> None:
    one = random_encoder(layers=1)
    shared = random_encoder(layers=1)
    shared = type(shared)(**{**shared.__dict__, "layers": one.layers * 2})
    sizes = [len(quantize_weights(build_graph(weights)).graph.initializer) for weights in (one, shared)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(("inputs", "size"), [(1, 1), (7, 7), (384, 64), (BLOCK + 1, 13), (67, 1)])
def test_blocks_are_equal(inputs: int, size: int) -> None:
    assert _block(inputs) == size


def test_each_number_comes_back_to_half_a_step() -> None:
    values = (RNG.normal(size=(16, 6)) * np.array([1e-6, 1e-3, 1, 10, 0, 1e3])).astype(np.float32)
    rounded, scales = _round(values, axis=0)
    assert rounded.dtype == np.int8
    assert (np.abs(rounded * scales - values) <= 0.501 * scales).all()


def test_it_runs_the_products_of_fp32() -> None:
    """Expanded once, when the graph is loaded: nothing dequantizes in a run."""
    weights = random_encoder()
    graph = quantize_weights(build_graph(weights))
    arrays = {one.name: numpy_helper.to_array(one) for one in graph.graph.initializer}
    expanded = build_graph(weights)
    blocks = [node for node in graph.graph.node if node.op_type == "DequantizeLinear"]
    products = [node.input[1] for node in expanded.graph.node if node.op_type == "MatMul"]
    for node, name in zip(blocks, products, strict=True):
        tensor = next(one for one in expanded.graph.initializer if one.name == name)
        values = arrays[node.input[0]] * arrays[node.input[1]]
        tensor.CopyFrom(numpy_helper.from_array(values.reshape(tuple(tensor.dims)).astype(np.float32), name))
    table = next(one for one in expanded.graph.initializer if one.dims == [VOCABULARY, weights.width])
    rows, scales = (arrays[f"{table.name}_{kind}"] for kind in ("rows", "row_scales"))
    table.CopyFrom(numpy_helper.from_array((rows * scales).astype(np.float32), table.name))
    (first,), (second,) = (Encoder(split_weights(one))([WINDOW]) for one in (graph, expanded))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_traced_encoder(tmp_path: Path) -> None:
    source = build(next(case for case in CASES if case.name == "Data2Vec"), tmp_path)
    meta = compile_pipeline(str(source), tmp_path / "out", precision="int8-weight-only", prove=unproved)
    (encoder,) = meta.encoders.values()
    assert encoder["method"] == "trace"
    assert 1e-5 < encoder["relative_error"] < 0.2
    names = (tmp_path / "out" / "transformer" / "encoder.onnx").read_bytes()
    assert names.count(b"DequantizeLinear") > 1
