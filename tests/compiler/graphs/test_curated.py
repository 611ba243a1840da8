"""The graphs of curated-transformers' encoders compute what torch computes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

with warnings.catch_warnings():
    # Parts of it are scripted as they are imported, of which torch warns.
    warnings.simplefilter("ignore", DeprecationWarning)
    pytest.importorskip("curated_transformers.models")
    from curated_transformers.models.albert import AlbertConfig, AlbertEncoder
    from curated_transformers.models.bert import BertConfig, BertEncoder
    from curated_transformers.models.roberta import RobertaConfig, RobertaEncoder

from spacy_lambda.compiler.graphs.curated import read_curated_weights  # noqa: E402
from spacy_lambda.compiler.graphs.encoder_graph import build_graph  # noqa: E402
from tests.compiler.arrays import run  # noqa: E402
from tests.compiler.graphs.models import LONGEST, POSITIONS, VOCABULARY, random_window, randomized  # noqa: E402

SIZES: dict[str, Any] = {
    "embedding_width": 8,
    "hidden_width": 8,
    "intermediate_width": 12,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "max_position_embeddings": POSITIONS,
    "vocab_size": VOCABULARY,
}
PADDING = 1
ENCODERS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "bert": (BertEncoder, BertConfig, {}),
    "bert with a projection": (BertEncoder, BertConfig, {"embedding_width": 6, "hidden_act": "relu"}),
    "roberta": (RobertaEncoder, RobertaConfig, {}),
    "albert": (AlbertEncoder, AlbertConfig, {"embedding_width": 6}),
    "albert without a projection": (AlbertEncoder, AlbertConfig, {"num_hidden_groups": 2}),
    "albert with inner groups": (AlbertEncoder, AlbertConfig, {"num_hidden_layers": 4, "inner_group_num": 2}),
}


def encoder(name: str) -> Any:
    encoder_class, config_class, settings = ENCODERS[name]
    torch.manual_seed(0)
    return randomized(encoder_class(config_class(**{**SIZES, **settings}, padding_idx=PADDING)))


def all_outputs(encoder: Any, ids: list[int]) -> npt.NDArray[np.float32]:
    with torch.no_grad():
        return np.stack([output[0].numpy() for output in encoder(torch.tensor([ids])).all_outputs])


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("length", [1, 2, LONGEST])
def test_all_layers_are_those_of_torch(name: str, length: int) -> None:
    original, ids = encoder(name), random_window(length)
    weights = read_curated_weights(original)
    (found,) = run(build_graph(weights, all_layers=True), ids)
    np.testing.assert_allclose(found[0], all_outputs(original, ids), atol=1e-3)
    np.testing.assert_array_equal(found[:, -1], run(build_graph(weights), ids)[0])


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("ids", [[PADDING], [3, PADDING, 4, PADDING], [PADDING, PADDING, 5], [3, 4]], ids=str)
def test_padding_within_a_window_is_masked(name: str, ids: list[int]) -> None:
    original = encoder(name)
    (found,) = run(build_graph(read_curated_weights(original, masked=True), all_layers=True), ids)
    np.testing.assert_allclose(found[0], all_outputs(original, ids), atol=1e-3)


@pytest.mark.parametrize("name", ["bert", "roberta", "albert"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_encoders_of_torchscript_are_read_alike(name: str) -> None:
    original, ids = encoder(name), random_window(5)
    scripted = torch.jit.script(original)
    (expected,), (found,) = (run(build_graph(read_curated_weights(one)), ids) for one in (original, scripted))
    np.testing.assert_array_equal(found, expected)
