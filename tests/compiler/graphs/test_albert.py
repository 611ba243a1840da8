"""ALBERT's graph computes what torch computes, and stores shared weights once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from spacy_lambda.compiler.graphs.albert import read_albert_weights  # noqa: E402
from spacy_lambda.compiler.graphs.architectures import find_reader  # noqa: E402
from spacy_lambda.compiler.graphs.encoder_graph import build_graph  # noqa: E402
from tests.compiler.arrays import run  # noqa: E402
from tests.compiler.graphs.models import LONGEST, hidden_states, random_model, random_window  # noqa: E402

GROUPS: list[dict[str, Any]] = [
    {},
    {"num_hidden_groups": 2},
    {"num_hidden_layers": 4, "inner_group_num": 2},
    {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2, "hidden_act": "gelu"},
]


@pytest.mark.parametrize("settings", GROUPS, ids=str)
@pytest.mark.parametrize("length", [1, 2, LONGEST])
def test_all_layers_are_those_of_torch(settings: dict[str, Any], length: int) -> None:
    original, ids = random_model("albert", **{"embedding_size": 6, **settings}), random_window(length)
    assert find_reader(original.config) is read_albert_weights
    weights = read_albert_weights(original)
    (found,) = run(build_graph(weights, all_layers=True), ids)
    np.testing.assert_allclose(found[0], hidden_states(original, ids), atol=1e-3)
    np.testing.assert_array_equal(found[:, -1], run(build_graph(weights), ids)[0])


def test_layers_of_a_group_are_one_object() -> None:
    weights = read_albert_weights(random_model("albert", num_hidden_layers=4, num_hidden_groups=2))
    assert weights.sources == (0, 0, 2, 2)
