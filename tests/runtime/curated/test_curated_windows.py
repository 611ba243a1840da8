"""Windows of wordpieces and averages where they overlap, compared with ``with_strided_spans``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Model
from thinc.types import Ragged

from spacy_lambda.runtime.curated.windows import merge_windows, window_bounds

SETTINGS = [(8, 6), (8, 8), (8, 4), (5, 3), (5, 2), (7, 3), (3, 1), (1, 1), (144, 104)]


def hidden_states(ids: Any, n_layers: int) -> list[Any]:
    """Return states that depend on the window, not on the wordpiece alone."""
    random = np.random.default_rng(int(ids[0]))
    return [random.standard_normal((len(ids), 3)).astype(np.float32) for _ in range(n_layers)]


def original(lengths: list[int], *, window: int, stride: int, n_layers: int) -> list[list[Any]]:
    """Return hidden states of several Docs at once, of all layers."""
    module = pytest.importorskip("spacy_curated_transformers.models.with_strided_spans")
    output = pytest.importorskip("spacy_curated_transformers.models.output")

    def encode(model: Any, windows: Any, is_train: bool) -> Any:
        states = [hidden_states(ids, n_layers) for ids in windows]
        return output.TransformerModelOutput(outputs=states, last_layer_only=n_layers == 1), lambda d: d

    model = module.with_strided_spans(Model("encoder", encode), stride=stride, window=window, batch_size=3)
    docs = [Ragged(np.arange(n, dtype=np.int32), np.ones(n, dtype=np.int32)) for n in lengths]  # type: ignore[arg-type]
    return [[layer.dataXd for layer in doc] for doc in model.predict(docs).all_outputs]


def ours(n: int, *, window: int, stride: int, n_layers: int) -> Any:
    bounds = window_bounds(n, window=window, stride=stride)
    hidden = [np.stack(hidden_states(np.arange(start, end), n_layers)) for start, end in bounds]
    return merge_windows(hidden, n, window=window, stride=stride)


@pytest.mark.parametrize(("window", "stride"), SETTINGS)
@given(lengths=st.lists(st.integers(2, 60), min_size=1, max_size=4), n_layers=st.integers(1, 3))
def test_hidden_states_equal_the_originals(window: int, stride: int, lengths: list[int], n_layers: int) -> None:
    expected = original(lengths, window=window, stride=stride, n_layers=n_layers)
    for n, layers in zip(lengths, expected, strict=True):
        assert np.array_equal(ours(n, window=window, stride=stride, n_layers=n_layers), np.stack(layers))


@pytest.mark.parametrize("n", [103, 104, 105, 144, 145, 208, 209, 416, 417])
def test_the_windows_of_the_official_pipelines(n: int) -> None:
    (expected,) = original([n], window=144, stride=104, n_layers=1)
    assert np.array_equal(ours(n, window=144, stride=104, n_layers=1), np.stack(expected))


def test_a_window_begins_at_every_multiple_of_the_stride() -> None:
    assert window_bounds(2, window=8, stride=6) == [(0, 2)]
    assert window_bounds(8, window=8, stride=6) == [(0, 8), (6, 8)]
    assert window_bounds(12, window=8, stride=6) == [(0, 8), (6, 12)]
    assert window_bounds(13, window=8, stride=6) == [(0, 8), (6, 13), (12, 13)]
