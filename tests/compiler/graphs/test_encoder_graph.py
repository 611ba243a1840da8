"""Graphs that are built by hand: valid ONNX, and the same numbers as in numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from spacy_lambda.compiler.graphs.builder import ALIGNMENT, GraphBuilder, split_weights  # noqa: E402
from spacy_lambda.compiler.graphs.builder import MIN_EXTERNAL_BYTES as BYTES  # noqa: E402
from spacy_lambda.compiler.graphs.encoder_graph import build_graph  # noqa: E402
from spacy_lambda.compiler.graphs.layers import LINEARS  # noqa: E402
from spacy_lambda.compiler.graphs.weights import Activation  # noqa: E402
from spacy_lambda.compiler.quantize import quantize_table  # noqa: E402
from spacy_lambda.runtime.encoder import ALL_LAYERS, INPUT, OUTPUT, Encoder  # noqa: E402
from tests.compiler.arrays import INNER, VOCABULARY, WIDTH, encode, random_encoder, run  # noqa: E402

WINDOWS = ([3], [5, 9, 2], list(range(2, 16)))


def shape(value: Any) -> list[Any]:
    return [one.dim_param or one.dim_value for one in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "relu"])
@pytest.mark.parametrize("ids", WINDOWS, ids=len)
def test_the_graph_computes_the_encoder(activation: Activation, ids: list[int]) -> None:
    weights = random_encoder(activation=activation)
    (found,) = run(build_graph(weights), ids)
    # FastGelu is an approximation of its own.
    np.testing.assert_allclose(found[0], encode(weights, ids), atol=2e-3 if activation == "gelu_tanh" else 1e-4)


@pytest.mark.parametrize("ids", [[3, 4, 5], [3, 1, 4, 1], [1]], ids=str)
def test_positions_of_roberta_skip_padding(ids: list[int]) -> None:
    weights = random_encoder(padding_id=1)
    (found,) = run(build_graph(weights), ids)
    np.testing.assert_allclose(found[0], encode(weights, ids), atol=1e-4)


@pytest.mark.parametrize("padding_id", [None, 1])
def test_positions_beside_quantized_words_are_stored_in_fp16(padding_id: int | None) -> None:
    weights = random_encoder(padding_id=padding_id)
    words = quantize_table(weights.words)
    model = build_graph(weights, words=words)
    (stored,) = (one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT16)
    assert weights.positions is not None
    assert tuple(stored.dims) == weights.positions.shape
    (found,) = run(model, [3, 1, 4, 1])
    expected = encode(replace(weights, words=words.values * words.scales), [3, 1, 4, 1])
    np.testing.assert_allclose(found[0], expected, atol=2e-3)


def test_embeddings_of_another_width_are_projected() -> None:
    weights = random_encoder(embedding=6)
    (found,) = run(build_graph(weights), [3, 4])
    np.testing.assert_allclose(found[0], encode(weights, [3, 4]), atol=1e-4)


def test_the_graph_is_valid_and_names_its_shapes() -> None:
    model = build_graph(random_encoder())
    onnx.checker.check_model(model)
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == [INPUT, OUTPUT]
    assert shape(model.graph.input[0]) == ["batch", "wordpieces"]
    assert shape(model.graph.output[0]) == ["batch", "wordpieces", WIDTH]
    assert model.producer_name == "spacy-lambda"


def test_no_value_is_made_twice_or_is_missing() -> None:
    graph = build_graph(random_encoder()).graph
    made = [
        INPUT,
        *(tensor.name for tensor in graph.initializer),
        *(name for node in graph.node for name in node.output),
    ]
    assert len(made) == len(set(made))
    assert {name for node in graph.node for name in node.input if name} <= set(made)


def test_probes_are_the_inputs_of_the_matrix_products() -> None:
    weights = random_encoder()
    hidden, *probes = run(build_graph(weights, probe=True), [3, 4, 5])
    assert [probe.shape[-1] for probe in probes] == [WIDTH, WIDTH, WIDTH, INNER] * len(weights.layers)
    assert len(probes) == len(LINEARS) * len(weights.layers)
    np.testing.assert_array_equal(hidden, run(build_graph(weights), [3, 4, 5])[0])


def test_all_layers_are_one_output() -> None:
    model = build_graph(random_encoder(layers=3), all_layers=True)
    onnx.checker.check_model(model)
    assert [value.name for value in model.graph.output] == [ALL_LAYERS]
    assert shape(model.graph.output[0]) == ["batch", 4, "wordpieces", WIDTH]
    (found,) = run(model, [3, 4, 5])
    assert found.shape == (1, 4, 3, WIDTH)


@pytest.mark.parametrize(("ids", "kept"), [([3, 7, 4, 7], [0, 2]), ([7, 7], [0, 1]), ([3, 4], [0, 1])], ids=str)
def test_masked_wordpieces_are_not_attended_to(ids: list[int], kept: list[int]) -> None:
    """If all wordpieces are masked, all get the same attention."""
    weights = random_encoder(layers=1, mask_id=7)
    (found,) = run(build_graph(weights), ids)
    np.testing.assert_allclose(found[0], encode(weights, ids), atol=1e-4)
    changed = replace(weights, words=np.where(np.arange(VOCABULARY)[:, None] == 7, 3, weights.words))
    (other,) = run(build_graph(changed), ids)
    assert np.array_equal(other[0, kept], found[0, kept]) == (kept != [0, 1] or 7 not in ids)


def test_layers_that_share_weights_store_them_once() -> None:
    one = random_encoder(layers=1)
    shared = replace(one, layers=one.layers * 3)
    assert len(build_graph(shared).graph.initializer) == len(build_graph(one).graph.initializer)
    (found,) = run(build_graph(shared), [3, 4, 5])
    np.testing.assert_allclose(found[0], encode(shared, [3, 4, 5]), atol=1e-4)


def test_large_constants_are_split_off_and_aligned() -> None:
    builder = GraphBuilder()
    small, large = np.ones(WIDTH, dtype=np.float32), np.arange(VOCABULARY * BYTES, dtype=np.float32)
    table, other = (
        builder.const(large.reshape(VOCABULARY, BYTES)),
        builder.const(large.reshape(BYTES, VOCABULARY)),
    )
    hidden = builder.op("MatMul", builder.op("Gather", table, INPUT), other)
    scaled = builder.op("Mul", hidden, builder.op("ReduceMean", builder.const(small), keepdims=0))
    model = builder.build(INPUT, scaled, OUTPUT, ["batch", "wordpieces", VOCABULARY])
    (expected,) = run(model, [1, 2])
    encoder = split_weights(model)
    placed = [tensor for tensor in model.graph.initializer if tensor.external_data]
    places = [{entry.key: int(entry.value) for entry in one.external_data if entry.key != "location"} for one in placed]
    assert [tensor.name for tensor in placed] == [table, other]
    assert all(place["offset"] % ALIGNMENT == 0 and place["length"] == large.nbytes for place in places)
    assert len(encoder.graph) < BYTES < len(encoder.weights)
    (found,) = Encoder(encoder)([np.array([1, 2], dtype=np.int64)])
    np.testing.assert_allclose(found, expected[0], rtol=1e-6)
