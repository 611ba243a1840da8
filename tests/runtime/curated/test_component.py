"""The component of compiled curated transformers, compared with the original's."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import spacy
from hypothesis import given
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.errors import EncoderError, MissingOutputError, PipelineLoadError
from spacy_lambda.runtime.curated.characters import CharEncoder
from spacy_lambda.runtime.curated.component import FACTORY, OnnxCuratedTransformer
from spacy_lambda.runtime.encoder import EncoderBytes
from spacy_lambda.runtime.encoder_output import Encoding, get_encoding
from tests.runtime.curated.originals import (
    MAX_LENGTH,
    N_LAYERS,
    STRIDE,
    TEXT,
    TOLERANCE,
    VOCAB,
    WIDTH,
    WINDOW,
    WORDPIECES,
    WORDS,
    Pair,
    char_pair,
    encoder_bytes,
    make_doc,
    wordpiece_pair,
)


class Both(NamedTuple):
    """The original's component, and ours with its weights."""

    original: Any
    ours: OnnxCuratedTransformer


def make_both(pair: Pair, *, all_layers: bool, window: int = WINDOW) -> Both:
    pytest.importorskip("spacy_curated_transformers")
    from spacy_curated_transformers.models import build_bert_transformer_model_v1, build_with_strided_spans_v1
    from spacy_curated_transformers.pipeline.transformer import CuratedTransformer

    model = build_bert_transformer_model_v1(
        vocab_size=len(WORDPIECES),
        with_spans=build_with_strided_spans_v1(stride=STRIDE, window=window),
        piece_encoder=pair.original,
        hidden_width=WIDTH,
        intermediate_width=WIDTH,
        num_attention_heads=2,
        num_hidden_layers=N_LAYERS,
        max_position_embeddings=MAX_LENGTH,
        model_max_length=MAX_LENGTH,
    )
    ours = OnnxCuratedTransformer(
        VOCAB, window=window, stride=STRIDE, max_length=MAX_LENGTH, width=WIDTH, all_layer_outputs=all_layers
    )
    ours.set_parts(pair.ours, encoder_bytes(model, all_layers=all_layers))
    return Both(CuratedTransformer(VOCAB, model, all_layer_outputs=all_layers), ours)


@pytest.fixture(scope="module", params=[False, True], ids=["last layer", "all layers"])
def both(request: pytest.FixtureRequest) -> Both:
    pair = wordpiece_pair(lowercase=True, accents=False, punctuation=True)
    return make_both(pair, all_layers=request.param)


def encoding_of(component: OnnxCuratedTransformer, doc: Doc) -> Encoding:
    found = get_encoding(component(doc))
    assert found is not None
    return found


def assert_same(both: Both, doc: Doc) -> None:
    expected = both.original.predict([doc]).all_outputs[0]
    found = encoding_of(both.ours, doc)
    layers = [found.hidden] if found.layers is None else list(found.layers)
    assert len(layers) == len(expected)
    for ours, original in zip(layers, expected, strict=True):
        assert ours.shape == original.dataXd.shape
        np.testing.assert_allclose(ours, original.dataXd, rtol=0, atol=TOLERANCE)
    assert found.lengths.tolist() == expected[0].lengths.tolist()
    assert np.array_equal(found.hidden, layers[-1])
    assert found.rows.tolist() == list(range(len(found.hidden)))
    assert found.library == "curated"
    assert found.truncated == 0


@given(words=WORDS)
def test_hidden_states_equal_the_originals(both: Both, words: list[tuple[str, bool]]) -> None:
    if words:
        assert_same(both, make_doc(words))


@pytest.mark.parametrize("words", [TEXT, TEXT * 9, [("a", False)] * 4, [("a", False)] * 30, [("ab" * 60, False)]])
def test_texts_of_many_windows(both: Both, words: list[tuple[str, bool]]) -> None:
    assert_same(both, make_doc(words))


@pytest.mark.parametrize("words", [[], [(" ", False)], [("\n", True), (" ", False)]])
def test_docs_without_wordpieces(both: Both, words: list[tuple[str, bool]]) -> None:
    found = encoding_of(both.ours, make_doc(words))
    assert found.hidden.shape == (0, WIDTH)
    assert found.lengths.tolist() == [0] * len(words)
    assert found.rows.shape == (0,)
    if both.ours.all_layer_outputs:
        assert found.layers is not None
        assert found.layers.shape == (N_LAYERS + 1, 0, WIDTH)


@pytest.mark.parametrize("words", [TEXT, TEXT * 9, [], [("ab", False), (" ", False)]])
def test_trf_data_equals_the_originals(both: Both, words: list[tuple[str, bool]]) -> None:
    then, now = (component(make_doc(words))._.trf_data for component in both)
    assert (now.last_layer_only, now.num_outputs) == (then.last_layer_only, then.num_outputs)
    assert len(now.all_hidden_layer_states) == len(then.all_hidden_layer_states)
    assert (now.embedding_layer is None) is (then.embedding_layer is None)
    for ours, original in zip(
        [*now.all_outputs, now.last_hidden_layer_state], [*then.all_outputs, then.last_hidden_layer_state], strict=True
    ):
        assert ours.lengths.tolist() == original.lengths.tolist()
        np.testing.assert_allclose(ours.dataXd, original.dataXd, rtol=0, atol=TOLERANCE)
    assert now.to_dict().keys() == then.to_dict().keys()
    with pytest.raises(MissingOutputError, match="'wordpieces'"):
        _ = now.wordpieces
    if words:
        assert np.array_equal(now.model_output.last_hidden_state[0], now.last_hidden_layer_state.dataXd)
        assert now.align.dataXd.tolist() == list(range(len(now.last_hidden_layer_state.dataXd)))


def test_a_batch_gives_the_same_as_one_text_at_a_time(both: Both) -> None:
    texts = [TEXT, TEXT * 5, [], [("ab", False)]]
    alone = [encoding_of(both.ours, make_doc(words)) for words in texts]
    for size in (1, 2, 64):
        docs = list(both.ours.pipe((make_doc(words) for words in texts), batch_size=size))
        for doc, expected in zip(docs, alone, strict=True):
            found = get_encoding(doc)
            assert found is not None
            assert np.array_equal(found.hidden, expected.hidden)


def test_wordpieces_are_counted_in_all_windows(both: Both) -> None:
    doc = make_doc([("a", False)] * 10)  # 12 wordpieces: windows at 0, 5 and 10
    before = set(doc.user_data)
    assert both.ours.count_wordpieces(doc) == 8 + 7 + 2
    assert encoding_of(both.ours, doc).hidden.shape == (10, WIDTH)
    assert len(set(doc.user_data) - before) == 1


def test_what_was_counted_is_not_used_for_other_tokens(both: Both) -> None:
    doc = Doc(VOCAB, words=["a", "b", "ab"], spaces=[True, False, False])
    both.ours.count_wordpieces(doc)
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:2])
    assert encoding_of(both.ours, doc).lengths.tolist() == [2, 1]


def test_a_window_beyond_the_limit_is_an_error() -> None:
    """The original fails on it, too, and on none that is shorter."""
    pair = wordpiece_pair(lowercase=True, accents=False, punctuation=True)
    wide = make_both(pair, all_layers=False, window=2 * STRIDE)
    wide.ours.max_length = 8
    wide.ours(make_doc([("a", False)] * 6))
    with pytest.raises(EncoderError, match="a window of 9 wordpieces is longer than the transformer's limit of 8"):
        wide.ours(make_doc([("a", False)] * 7))


def test_folders_and_bytes(both: Both, tmp_path: Path) -> None:
    expected = encoding_of(both.ours, make_doc(TEXT))
    both.ours.to_disk(tmp_path / "transformer")
    names = sorted(path.name for path in (tmp_path / "transformer").iterdir())
    assert names == ["encoder.onnx", "encoder.onnx.data", "wordpieces.json"]
    config = {
        "window": WINDOW,
        "stride": STRIDE,
        "max_length": MAX_LENGTH,
        "width": WIDTH,
        "all_layer_outputs": both.ours.all_layer_outputs,
    }
    for from_bytes in (False, True):
        component: Any = spacy.blank("en").add_pipe(FACTORY, config=config)
        if from_bytes:
            component.from_bytes(both.ours.to_bytes())
        else:
            component.from_disk(tmp_path / "transformer")
            component.open()
        assert np.array_equal(encoding_of(component, make_doc(TEXT)).hidden, expected.hidden)


def test_copies_and_pickles(both: Both) -> None:
    expected = encoding_of(both.ours, make_doc(TEXT))
    for component in (copy.deepcopy(both.ours), pickle.loads(pickle.dumps(both.ours))):
        assert np.array_equal(encoding_of(component, make_doc(TEXT)).hidden, expected.hidden)


def test_bytes_with_characters() -> None:
    both = make_both(char_pair("NFKC"), all_layers=False)
    component = OnnxCuratedTransformer(VOCAB, window=WINDOW, stride=STRIDE, max_length=MAX_LENGTH, width=WIDTH)
    component.from_bytes(both.ours.to_bytes())
    assert_same(Both(both.original, component), make_doc(TEXT))


def test_a_pipeline_finds_the_component_by_its_name() -> None:
    nlp = Language()
    component = nlp.add_pipe(FACTORY)
    assert isinstance(component, OnnxCuratedTransformer)
    assert (component.window, component.stride, component.width, component.max_length) == (128, 96, 768, 512)
    with pytest.raises(PipelineLoadError, match="has no encoder"):
        nlp("a")


def test_missing_files(tmp_path: Path) -> None:
    component = OnnxCuratedTransformer(VOCAB, window=WINDOW, stride=STRIDE, max_length=MAX_LENGTH, width=WIDTH)
    with pytest.raises(PipelineLoadError, match=r"encoder\.onnx is missing"):
        component.from_disk(tmp_path)
    vocab = {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2}
    component.set_parts(CharEncoder(vocab), EncoderBytes(b"no graph", b""))
    component.to_disk(tmp_path)
    (tmp_path / "wordpieces.json").unlink()
    with pytest.raises(PipelineLoadError, match="not a readable vocabulary"):
        component.from_disk(tmp_path)
    with pytest.raises(EncoderError, match="cannot open"):
        component(make_doc([("a", False)]))
