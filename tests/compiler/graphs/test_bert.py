"""The weights of every member of the BERT family in one form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from spacy_lambda.compiler.graphs.architectures import find_reader  # noqa: E402
from spacy_lambda.compiler.graphs.bert import read_bert_weights  # noqa: E402
from spacy_lambda.compiler.graphs.encoder_graph import build_graph  # noqa: E402
from spacy_lambda.compiler.graphs.weights import EncoderWeights, Floats  # noqa: E402
from tests.compiler.arrays import run  # noqa: E402
from tests.compiler.graphs.models import LONGEST, hidden_states, random_model, random_window  # noqa: E402

FAMILY = ("bert", "electra", "roberta", "xlm-roberta", "camembert")


def parameters(weights: EncoderWeights) -> int:
    """The number of values in an encoder's weights, as the original counts them."""
    arrays: list[Floats | None]
    arrays = [weights.words, weights.positions, weights.embedding_norm.weight, weights.embedding_norm.bias]
    arrays += [weights.projection.weight, weights.projection.bias] if weights.projection else []
    for layer in weights.layers:
        for part in vars(layer).values():
            arrays += [part.weight, part.bias]
    return sum(array.size for array in arrays if array is not None)


@pytest.mark.parametrize("model_type", FAMILY)
def test_every_weight_of_every_member_is_read(model_type: str) -> None:
    original = random_model(model_type, **({"embedding_size": 6} if model_type == "electra" else {}))
    assert find_reader(original.config) is read_bert_weights
    weights = read_bert_weights(original)
    state = {name: tensor.numpy() for name, tensor in original.state_dict().items()}
    unused = sum(
        array.size
        for name, array in state.items()
        # Not used for the hidden states, or added to the positions.
        if "pooler" in name or "token_type" in name or name.endswith(("position_ids", "token_type_ids"))
    )
    assert parameters(weights) == sum(array.size for array in state.values()) - unused
    first = "encoder.layer.0."
    layer = weights.layers[0]
    np.testing.assert_array_equal(weights.words, state["embeddings.word_embeddings.weight"])
    np.testing.assert_array_equal(layer.ffn_in.weight, state[f"{first}intermediate.dense.weight"].T)
    np.testing.assert_array_equal(layer.ffn_norm.bias, state[f"{first}output.LayerNorm.bias"])
    np.testing.assert_array_equal(layer.attention_out.bias, state[f"{first}attention.output.dense.bias"])
    assert (len(weights.layers), weights.n_heads, weights.width) == (2, 2, 8)


def test_queries_keys_and_values_stand_side_by_side() -> None:
    original = random_model("bert")
    state = {name: tensor.numpy() for name, tensor in original.state_dict().items()}
    qkv = read_bert_weights(original).layers[1].qkv
    assert qkv.bias is not None
    for number, part in enumerate(("query", "key", "value")):
        columns = slice(8 * number, 8 * (number + 1))
        name = f"encoder.layer.1.attention.self.{part}"
        np.testing.assert_array_equal(qkv.weight[:, columns], state[f"{name}.weight"].T)
        np.testing.assert_array_equal(qkv.bias[columns], state[f"{name}.bias"])


def test_token_type_0_is_added_to_the_positions() -> None:
    original = random_model("bert")
    embeddings = original.embeddings
    expected = embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]
    positions = read_bert_weights(original).positions
    assert positions is not None
    np.testing.assert_allclose(positions, expected.detach().numpy(), rtol=1e-6)


@pytest.mark.parametrize(("model_type", "padding_id"), [("bert", None), ("electra", None), ("roberta", 1)])
def test_positions_are_numbered_as_the_member_does(model_type: str, padding_id: int | None) -> None:
    assert read_bert_weights(random_model(model_type)).padding_id == padding_id


@pytest.mark.parametrize("model_type", FAMILY)
def test_a_projection_is_read_where_there_is_one(model_type: str) -> None:
    has_one = model_type == "electra"
    weights = read_bert_weights(random_model(model_type, **({"embedding_size": 6} if has_one else {})))
    assert (weights.projection is not None) == has_one
    if weights.projection is not None:
        assert weights.projection.weight.shape == (6, 8)


@pytest.mark.parametrize(
    ("name", "activation"),
    [("gelu", "gelu"), ("gelu_new", "gelu_tanh"), ("gelu_pytorch_tanh", "gelu_tanh"), ("relu", "relu")],
)
def test_activations(name: str, activation: str) -> None:
    assert read_bert_weights(random_model("bert", hidden_act=name)).activation == activation


@pytest.mark.parametrize(
    "settings",
    [{"model_type": "roformer"}, {"hidden_act": "silu"}, {"is_decoder": True}, {"pruned_heads": {0: [1]}}],
    ids=str,
)
def test_models_that_the_graph_cannot_compute_are_traced(settings: dict[str, Any]) -> None:
    settings = dict(settings)
    config = transformers.AutoConfig.for_model(settings.pop("model_type", "bert"))
    for name, value in settings.items():
        setattr(config, name, value)
    assert find_reader(config) is None


def test_relative_positions_are_traced() -> None:
    config = transformers.AutoConfig.for_model("bert")
    config.position_embedding_type = "relative_key"
    assert find_reader(config) is None


@pytest.mark.parametrize("model_type", FAMILY)
@pytest.mark.parametrize("length", [1, 2, LONGEST])
def test_all_layers_are_those_of_torch(model_type: str, length: int) -> None:
    original, ids = random_model(model_type), random_window(length)
    weights = read_bert_weights(original)
    (found,) = run(build_graph(weights, all_layers=True), ids)
    np.testing.assert_allclose(found[0], hidden_states(original, ids), atol=1e-4)
    np.testing.assert_array_equal(found[:, -1], run(build_graph(weights), ids)[0])
