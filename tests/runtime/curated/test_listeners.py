"""Listeners of compiled curated transformers, compared with the originals' on the same hidden states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from thinc.api import Model, reduce_first, reduce_last, reduce_max, reduce_mean, reduce_sum
from thinc.types import Ragged

from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime.curated.listeners import (
    build_last_layer_listener_v1,
    build_layers_listener_v1,
    build_scalar_weighting_listener_v1,
)
from spacy_lambda.runtime.curated.scalar_weight import build_scalar_weight_v1
from spacy_lambda.runtime.encoder_output import ENCODING_KEY, Encoding, set_encoding
from tests.runtime.curated.originals import VOCAB

WIDTH, N_LAYERS = 16, 3
POOLINGS = [reduce_mean, reduce_max, reduce_first, reduce_last, reduce_sum]
KINDS = ["last", "scalar", "layers"]


class Listeners(NamedTuple):
    """An original listener, and ours with its weights."""

    original: Any
    ours: Any


def listeners(kind: str, pooling: Callable[[], Any] = reduce_mean) -> Listeners:
    module = pytest.importorskip("spacy_curated_transformers.models.listeners")
    original: Any
    ours: Any
    if kind == "last":
        original = module.build_last_transformer_layer_listener_v1(WIDTH, pooling(), "trf", 0.5)
        ours = build_last_layer_listener_v1(WIDTH, pooling(), "other", 1.0)
    elif kind == "layers":
        original = module.build_transformer_layers_listener_v1(N_LAYERS, WIDTH, pooling(), "trf", 0.5)
        ours = build_layers_listener_v1(N_LAYERS, WIDTH, pooling())
    else:
        weights = pytest.importorskip("spacy_curated_transformers.models.scalar_weight")
        weighting = weights.build_scalar_weight_v1(num_layers=N_LAYERS)
        original = module.build_scalar_weighting_listener_v1(WIDTH, weighting, pooling(), "trf", 0.5)
        ours = build_scalar_weighting_listener_v1(WIDTH, build_scalar_weight_v1(num_layers=N_LAYERS), pooling())
    return Listeners(original, ours)


def with_weights(found: Listeners, seed: int) -> Listeners:
    """Give the original random weights, and ours the same by its bytes."""
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(seed)
    module = found.original.layers[0].shims[0]._model
    with torch.no_grad():
        module.layer_weights.copy_(torch.from_numpy(random.standard_normal(N_LAYERS + 1).astype(np.float32)))
        module.scale.copy_(torch.from_numpy(random.standard_normal(1).astype(np.float32)))
    found.ours.from_bytes(found.original.to_bytes())
    return found


class Docs(NamedTuple):
    """Docs with the same hidden states: in the original's form, and in ours."""

    original: list[Doc]
    ours: list[Doc]


def make_docs(counts: list[list[int]], seed: int = 0, *, all_layers: bool = True) -> Docs:
    """Return Docs with random hidden states.

    :param counts: Wordpieces of each token of each Doc.
    """
    output = pytest.importorskip("spacy_curated_transformers.models.output")
    random = np.random.default_rng(seed)
    docs = Docs([], [])
    for lengths in counts:
        for side in docs:
            side.append(Doc(VOCAB, words=["a"] * len(lengths)))
        n = sum(lengths)
        layers = random.standard_normal((N_LAYERS + 1, n, WIDTH)).astype(np.float32)
        counted: Any = np.array(lengths, dtype=np.int32)
        rows = np.arange(n, dtype=np.int32)
        given_layers = layers if all_layers else None
        set_encoding(docs.ours[-1], Encoding(layers[-1], rows, counted, layers=given_layers, library="curated"))
        original: list[Any] = [Ragged(layer, counted) for layer in (layers if all_layers else layers[-1:])]
        data = output.DocTransformerOutput(all_outputs=original, last_layer_only=not all_layers)
        docs.original[-1]._.trf_data = data
    return docs


@pytest.fixture(autouse=True)
def _extension() -> None:
    pytest.importorskip("spacy_curated_transformers.pipeline.transformer")._install_extensions()


def assert_same(found: list[Any], expected: list[Any], *, exactly: bool = True) -> None:
    assert len(found) == len(expected)
    for ours, original in zip(found, expected, strict=True):
        if isinstance(original, list):
            assert_same(ours, original, exactly=exactly)
        elif exactly:
            assert ours.dtype == original.dtype
            assert np.array_equal(ours, original)
        else:
            np.testing.assert_allclose(ours, original, rtol=1e-5, atol=1e-6)


FILLED = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6), min_size=1, max_size=4)
SPARSE = st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=4)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", ["last", "layers"])
@given(counts=FILLED)
def test_vectors_equal_the_originals(kind: str, pooling: Callable[[], Any], counts: list[list[int]]) -> None:
    original, ours = listeners(kind, pooling)
    docs = make_docs(counts)
    assert_same(ours.predict(docs.ours), original.predict(docs.original))


@pytest.mark.parametrize("kind", ["last", "layers"])
@given(counts=SPARSE)
def test_tokens_without_wordpieces_have_zeros(kind: str, counts: list[list[int]]) -> None:
    """The original needs one wordpiece in a batch."""
    original, ours = listeners(kind)
    docs = make_docs([*counts, [1]])
    assert_same(ours.predict(docs.ours), original.predict(docs.original))
    assert_same([vectors for doc in docs.ours for vectors in ours.predict([doc])], ours.predict(docs.ours))


@given(counts=FILLED, seed=st.integers(0, 2**16))
def test_weighted_layers(counts: list[list[int]], seed: int) -> None:
    original, ours = with_weights(listeners("scalar"), seed)
    docs = make_docs(counts, seed)
    assert_same(ours.predict(docs.ours), original.predict(docs.original), exactly=False)
    assert_same([vectors for doc in docs.ours for vectors in ours.predict([doc])], ours.predict(docs.ours))


def test_untrained_weights_are_equal() -> None:
    original, ours = listeners("scalar")
    docs = make_docs([[1, 2], [3]])
    assert_same(ours.predict(docs.ours), original.predict(docs.original), exactly=False)


@pytest.mark.parametrize("counts", [[[]], [[0]], [[0, 0], []]])
@pytest.mark.parametrize("kind", KINDS)
def test_docs_without_wordpieces(kind: str, counts: list[list[int]]) -> None:
    """The original fails on them unless they come in a batch with others."""
    _, ours = listeners(kind)
    expected: list[Any] = [np.zeros((len(doc), WIDTH), dtype=np.float32) for doc in counts]
    if kind == "layers":
        expected = [[zeros] * (N_LAYERS + 1) for zeros in expected]
    assert_same(ours.predict(make_docs(counts).ours), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_docs_that_no_transformer_has_processed(kind: str) -> None:
    original, ours = listeners(kind)
    docs = make_docs([[1, 2], [1]])
    for doc in docs.original:
        doc._.trf_data = None
    for doc in docs.ours:
        del doc.user_data[ENCODING_KEY]
    assert_same(ours.predict(docs.ours), original.predict(docs.original))


@pytest.mark.parametrize("kind", ["scalar", "layers"])
def test_the_last_layer_only_is_not_enough(kind: str) -> None:
    original, ours = listeners(kind)
    docs = make_docs([[1, 2]], all_layers=False)
    with pytest.raises(ValueError, match="all hidden layer outputs"):
        original.predict(docs.original)
    with pytest.raises(EncoderError, match="needs all layers") as caught:
        ours.predict(docs.ours)
    assert "all_layer_outputs" in (caught.value.remedy or "")


@pytest.mark.parametrize("kind", KINDS)
def test_weights_load_unchanged_and_are_written_unchanged(kind: str) -> None:
    original, ours = listeners(kind)
    if kind == "scalar":
        with_weights(Listeners(original, ours), 1)
    else:
        ours.from_bytes(original.to_bytes())
    written = original.to_bytes()
    assert ours.can_from_bytes(written)
    assert ours.to_bytes() == written
    assert ours.attrs["grad_factor"] == 0.5
    assert ours.attrs["_upstream_name"] == "trf"
    # thinc's copies have no references.
    assert ours.copy().from_bytes(written).to_bytes() == written
    assert listeners(kind).ours.from_bytes(ours.to_bytes()).to_bytes() == written


def test_untrained_weights_are_written_and_read() -> None:
    ours = build_scalar_weight_v1(num_layers=2)
    assert build_scalar_weight_v1(num_layers=2).from_bytes(ours.to_bytes()).to_bytes() == ours.to_bytes()


def test_the_number_of_layers_is_checked() -> None:
    _, ours = listeners("scalar")
    wrong = build_scalar_weighting_listener_v1(WIDTH, build_scalar_weight_v1(num_layers=7), reduce_mean())
    docs = make_docs([[1]]).ours
    assert len(ours.predict(docs)) == 1
    with pytest.raises(ValueError, match="8 layers, but the transformer has 4"):
        wrong.predict(docs)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_nodes(kind: str) -> None:
    def nodes(model: Model[Any, Any]) -> list[Any]:
        return [(node.name, node.dim_names, node.ref_names, node.param_names) for node in model.walk()]

    original, ours = listeners(kind)
    assert nodes(ours) == nodes(original)
    assert list(ours.attrs) == list(original.attrs)


def test_training_is_refused() -> None:
    _, ours = listeners("last")
    _, backprop = ours(make_docs([[1]]).ours, is_train=True)
    with pytest.raises(Exception, match="a compiled pipeline"):
        backprop([])
