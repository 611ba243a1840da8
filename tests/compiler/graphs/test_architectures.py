"""Every architecture's graph computes what torch computes, at every length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from spacy_lambda.compiler.graphs.architectures import ARCHITECTURES, find_reader  # noqa: E402
from spacy_lambda.compiler.graphs.encoder_graph import build_graph  # noqa: E402
from spacy_lambda.compiler.quantize import calibrate, quantize_linears, quantize_table  # noqa: E402
from spacy_lambda.runtime.encoder import INPUT  # noqa: E402
from spacy_lambda.runtime.onnx_import import import_onnxruntime  # noqa: E402
from tests.compiler.graphs.models import LONGEST, POSITIONS, hidden_states, random_model, random_window  # noqa: E402

DEBERTA: dict[str, Any] = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
V3 = {**DEBERTA, "position_buckets": 8, "share_att_key": True, "norm_rel_ebd": "layer_norm", "type_vocab_size": 0}
MODERN: dict[str, Any] = {"local_attention": 6, "num_hidden_layers": 4, "reference_compile": False}
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "albert": ("albert", {"embedding_size": 6}),
    "bert": ("bert", {}),
    "deberta": ("deberta", DEBERTA),
    "deberta c2p": (
        "deberta",
        {**DEBERTA, "pos_att_type": ["c2p"], "position_biased_input": True, "type_vocab_size": 2},
    ),
    "deberta near": ("deberta", {**DEBERTA, "max_relative_positions": 5, "type_vocab_size": 2}),
    "deberta-v2": ("deberta-v2", DEBERTA),
    "deberta-v2 p2c": ("deberta-v2", {**DEBERTA, "pos_att_type": ["p2c"], "position_biased_input": True}),
    "deberta-v3": ("deberta-v2", V3),
    "deberta-v3 far": ("deberta-v2", {**V3, "max_relative_positions": 12, "position_buckets": 4}),
    "distilbert": ("distilbert", {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 12, "activation": "relu"}),
    "electra": ("electra", {"embedding_size": 6}),
    "modernbert": ("modernbert", MODERN),
    "modernbert with biases": (
        "modernbert",
        {**MODERN, "attention_bias": True, "mlp_bias": True, "norm_bias": True, "local_rope_theta": None},
    ),
    "mpnet": ("mpnet", {}),
    "roberta": ("roberta", {}),
}
UNLIMITED = 3 * POSITIONS
"""Wordpieces beyond the positions, for models that take them."""

TOLERANCE = 2e-4


def open_session(model: Any) -> Any:
    return import_onnxruntime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", SETTINGS)
def test_hidden_states_are_those_of_torch(name: str) -> None:
    model_type, settings = SETTINGS[name]
    original = random_model(model_type, **settings)
    read = find_reader(original.config)
    assert read is not None
    session = open_session(build_graph(read(original)))
    beyond = [UNLIMITED] if not getattr(original.config, "position_biased_input", model_type != "modernbert") else []
    for length in (*range(1, LONGEST + 1), *beyond):
        ids = np.array([random_window(length)])
        with torch.no_grad():
            expected = original(input_ids=torch.from_numpy(ids)).last_hidden_state.numpy()
        np.testing.assert_allclose(session.run(None, {INPUT: ids})[0], expected, atol=TOLERANCE, err_msg=f"{length}")


@pytest.mark.parametrize("name", SETTINGS)
def test_all_layers_are_those_of_torch(name: str) -> None:
    model_type, settings = SETTINGS[name]
    original, ids = random_model(model_type, **settings), random_window(LONGEST)
    read = find_reader(original.config)
    assert read is not None
    (found,) = open_session(build_graph(read(original), all_layers=True)).run(None, {INPUT: np.array([ids])})
    np.testing.assert_allclose(found[0], hidden_states(original, ids), atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_integer_weights_are_close(name: str) -> None:
    model_type, settings = SETTINGS[name]
    original = random_model(model_type, **settings)
    read = find_reader(original.config)
    assert read is not None
    weights = read(original)
    windows = [random_window(LONGEST - i) for i in range(4)]
    linears = dict(quantize_linears(weights, calibrate(weights, windows, on_step=lambda done, total: None)))
    graphs = build_graph(weights), build_graph(weights, linears=linears, words=quantize_table(weights.words))
    expected, found = (open_session(graph).run(None, {INPUT: np.array([random_window(12)])})[0] for graph in graphs)
    error = np.sqrt(np.square(found - expected).mean() / np.square(expected - expected.mean(axis=1)).mean())
    assert 0 < error < 0.2


def test_every_architecture_is_compared() -> None:
    assert {model_type for model_type, _ in SETTINGS.values()} >= set(ARCHITECTURES) - {"xlm-roberta", "camembert"}


@pytest.mark.parametrize(
    ("model_type", "settings"),
    [
        ("deberta-v2", {}),
        ("deberta-v2", {**V3, "conv_kernel_size": 3}),
        ("deberta-v2", {**V3, "position_buckets": 3}),
        ("deberta-v2", {**V3, "attention_head_size": 8}),
        ("deberta", {**DEBERTA, "talking_head": True}),
        ("deberta", {**DEBERTA, "pos_att_type": ["p2p"]}),
        ("distilbert", {"activation": "silu"}),
        ("modernbert", {"rope_scaling": {"rope_type": "linear", "factor": 2.0}}),
        ("mpnet", {"hidden_act": "silu"}),
    ],
    ids=str,
)
def test_settings_that_the_graph_does_not_compute_are_traced(model_type: str, settings: dict[str, Any]) -> None:
    assert find_reader(transformers.AutoConfig.for_model(model_type, **settings)) is None
