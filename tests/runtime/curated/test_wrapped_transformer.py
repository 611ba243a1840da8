"""Transformers of a component's own, compared with the original after ``nlp.replace_listeners``."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from thinc.api import Model, reduce_mean

from spacy_lambda.runtime.curated.component import OnnxCuratedTransformer
from spacy_lambda.runtime.curated.listeners import build_last_layer_listener_v1, build_scalar_weighting_listener_v1
from spacy_lambda.runtime.curated.scalar_weight import build_scalar_weight_v1
from spacy_lambda.runtime.curated.wrapped_transformer import build_wrapped_transformer_v1
from spacy_lambda.runtime.private_transformer import find_transformers, private_transformers
from tests.runtime.curated.originals import (
    MAX_LENGTH,
    N_LAYERS,
    STRIDE,
    TEXT,
    TOLERANCE,
    WIDTH,
    WINDOW,
    WORDPIECES,
    encoder_bytes,
    make_doc,
    wordpiece_pair,
)

P = "spacy-curated-transformers"
POOLING = {"@layers": "reduce_mean.v1"}
LISTENERS: dict[bool, dict[str, Any]] = {
    False: {"@architectures": f"{P}.LastTransformerLayerListener.v1", "width": WIDTH, "pooling": POOLING},
    True: {
        "@architectures": f"{P}.ScalarWeightingListener.v1",
        "width": WIDTH,
        "pooling": POOLING,
        "weighting": {"@architectures": f"{P}.ScalarWeight.v1", "num_layers": N_LAYERS},
    },
}
DOCS = [TEXT, TEXT * 5, [("a", False)]]


def original_model(*, all_layers: bool) -> Any:
    """Return the wrapped transformer of a tagger whose listener was replaced."""
    tokenization = pytest.importorskip("spacy_curated_transformers.tokenization")
    from curated_tokenizers import WordPieceProcessor

    nlp = spacy.blank("en")
    settings = {
        "@architectures": f"{P}.BertTransformer.v1",
        "vocab_size": len(WORDPIECES),
        "hidden_width": WIDTH,
        "intermediate_width": WIDTH,
        "num_attention_heads": 2,
        "num_hidden_layers": N_LAYERS,
        "max_position_embeddings": MAX_LENGTH,
        "model_max_length": MAX_LENGTH,
        "piece_encoder": {"@architectures": f"{P}.BertWordpieceEncoder.v1"},
        "with_spans": {"@architectures": f"{P}.WithStridedSpans.v1", "stride": STRIDE, "window": WINDOW},
    }
    config = {"model": settings, "all_layer_outputs": all_layers}
    transformer: Any = nlp.add_pipe("curated_transformer", name="transformer", config=config)
    encoder = transformer.model.get_ref("piece_encoder")
    assert encoder.name == tokenization.build_bert_wordpiece_encoder_v1().name
    encoder.attrs.update(wordpiece_processor=WordPieceProcessor(WORDPIECES), lowercase=True)
    tagger: Any = nlp.add_pipe(
        "tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": LISTENERS[all_layers]}}
    )
    tagger.add_label("A")
    nlp.initialize()
    nlp.replace_listeners("transformer", "tagger", ["model.tok2vec"])
    (wrapped,) = (node for node in tagger.model.walk() if node.name == "wrapped_transformer_and_listener")
    return wrapped


def empty_model(*, all_layers: bool) -> Model[Any, Any]:
    listener: Any = (
        build_scalar_weighting_listener_v1(WIDTH, build_scalar_weight_v1(num_layers=N_LAYERS), reduce_mean())
        if all_layers
        else build_last_layer_listener_v1(WIDTH, reduce_mean())
    )
    return build_wrapped_transformer_v1(
        listener,
        window=WINDOW,
        stride=STRIDE,
        max_length=MAX_LENGTH,
        width=WIDTH,
        all_layer_outputs=all_layers,
    )


def transformer_in(model: Model[Any, Any]) -> OnnxCuratedTransformer:
    (transformer,) = private_transformers(model)
    assert isinstance(transformer, OnnxCuratedTransformer)
    return transformer


@pytest.fixture(scope="module", params=[False, True], ids=["last layer", "all layers"])
def both(request: pytest.FixtureRequest) -> tuple[Any, Model[Any, Any]]:
    original = original_model(all_layers=request.param)
    ours = empty_model(all_layers=request.param)
    wordpieces = wordpiece_pair(lowercase=True, accents=False, punctuation=True).ours
    encoder = encoder_bytes(original.layers[0], all_layers=request.param)
    transformer_in(ours).set_parts(wordpieces, encoder)
    if request.param:
        ours.layers[1].layers[0].from_bytes(original.layers[1].layers[0].to_bytes())
    return original, ours


def test_vectors_equal_the_originals(both: tuple[Any, Model[Any, Any]]) -> None:
    original, ours = both
    docs = [make_doc(words) for words in DOCS]
    before = [dict(doc.user_data) for doc in docs]
    for found, expected in zip(ours.predict(docs), original.predict(docs), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    assert [dict(doc.user_data) for doc in docs] == before


def test_docs_without_wordpieces(both: tuple[Any, Model[Any, Any]]) -> None:
    vectors = both[1].predict([make_doc([]), make_doc([(" ", False)]), make_doc(TEXT)])
    assert [vector.shape for vector in vectors] == [(0, WIDTH), (1, WIDTH), (len(TEXT), WIDTH)]
    assert not vectors[1].any()


def test_bytes_copies_and_pickles(both: tuple[Any, Model[Any, Any]]) -> None:
    _, ours = both
    expected = ours.predict([make_doc(TEXT)])
    again = empty_model(all_layers=transformer_in(ours).all_layer_outputs).from_bytes(ours.to_bytes())
    for model in (again, ours.copy(), pickle.loads(pickle.dumps(ours))):
        for found, vectors in zip(model.predict([make_doc(TEXT)]), expected, strict=True):
            assert np.array_equal(found, vectors)


def test_the_node_around_both_is_the_originals(both: tuple[Any, Model[Any, Any]]) -> None:
    original, ours = both
    assert ours.name == original.name
    assert [layer.name for layer in ours.layers] == [layer.name for layer in original.layers]
    assert ours.get_dim("nO") == original.get_dim("nO")
    assert list(ours.layers[1].attrs) == list(original.layers[1].attrs)


def test_all_transformers_of_a_pipeline_are_found(both: tuple[Any, Model[Any, Any]]) -> None:
    nlp = Language()
    nlp.add_pipe("onnx_curated_transformer_v1", name="shared")
    model = {
        "@architectures": "spacy.Tagger.v2",
        "tok2vec": {
            "@architectures": "spacy_lambda.CuratedWrappedTransformer.v1",
            "window": WINDOW,
            "stride": STRIDE,
            "max_length": MAX_LENGTH,
            "width": WIDTH,
            "wrapped_listener": {
                "@architectures": "spacy_lambda.CuratedLastLayerListener.v1",
                "width": WIDTH,
                "pooling": POOLING,
            },
        },
    }
    nlp.add_pipe("tagger", name="first", config={"model": model})
    nlp.add_pipe("tagger", name="second", config={"model": model})
    found = find_transformers(nlp)
    assert all(isinstance(transformer, OnnxCuratedTransformer) for transformer in found)
    assert len({transformer.name for transformer in found}) == 3
    assert found[0] is nlp.get_pipe("shared")
    nlp.remove_pipe("first")
    assert [transformer.name for transformer in find_transformers(nlp)] == [found[0].name, found[2].name]


def test_counting_is_not_mixed_up_between_transformers(both: tuple[Any, Model[Any, Any]]) -> None:
    transformer = transformer_in(both[1])
    doc = make_doc(TEXT)
    count = transformer.count_wordpieces(doc)
    (key,) = (key for key in doc.user_data if str(key).startswith("spacy_lambda.wordpieces"))
    assert transformer.name in str(key)
    both[1].predict([doc])
    assert count > len(TEXT)
    assert key not in doc.user_data
