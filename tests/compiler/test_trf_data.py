"""``doc._.trf_data`` of a compiled pipeline has the values of the original's."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from thinc.types import Ragged

from spacy_lambda.errors import MissingOutputError
from spacy_lambda.runtime.encoder_output import TRF_DATA, get_encoding
from tests.compiler.originals import TEXTS, Pair

TOLERANCE = 1e-4
"""Of hidden states of an fp32 encoder, whose values are about 1."""

OF_MANY_WINDOWS = " ".join(TEXTS * 3)
ALL_TEXTS = (*TEXTS, OF_MANY_WINDOWS, "", " \n ", "iron", "[PAD] ir\u00f6n\u200b \U0001f468\u200d\U0001f469 x" * 30)

DOC_SPANS = {"@span_getters": "spacy-transformers.doc_spans.v1"}


def unpadded(data: Any) -> Any:
    """Hidden states without padding, of which the original's values are the encoder's, and a compiled one's are 0."""
    return data.model_output.last_hidden_state[np.asarray(data.wordpieces.attention_mask) > 0]


def assert_same_data(then: Any, now: Any) -> None:
    assert isinstance(now.align, Ragged)
    for name in ("dataXd", "lengths"):
        assert np.array_equal(getattr(then.align, name), getattr(now.align, name))
    assert then.wordpieces.strings == now.wordpieces.strings
    assert then.wordpieces.lengths == now.wordpieces.lengths
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        first, second = getattr(then.wordpieces, name), getattr(now.wordpieces, name)
        assert (first is None) is (second is None)
        if first is not None:
            assert first.shape == second.shape
            assert np.array_equal(first, second)
    assert list(then.model_output) == list(now.model_output)
    if not len(then.model_output):
        return
    assert then.width == now.width
    first, second = then.model_output.last_hidden_state, now.model_output.last_hidden_state
    assert (first.shape, first.dtype) == (second.shape, second.dtype)
    assert np.allclose(unpadded(then), unpadded(now), atol=TOLERANCE)
    assert now.model_output["last_hidden_state"] is now.model_output[0] is now.tensors[0] is second
    assert len(now.tensors) == len(then.tensors)
    rows = first.reshape(-1, now.width)[then.align.dataXd]
    assert np.allclose(rows, now.last_hidden_layer_state.dataXd, atol=TOLERANCE)
    assert now.tokens.keys() == then.tokens.keys()
    assert now.to_dict().keys() == then.to_dict().keys()


@pytest.mark.parametrize(
    "settings",
    [
        {"architecture": "bert"},
        {"architecture": "roberta"},
        {"architecture": "distilbert", "get_spans": DOC_SPANS},
    ],
    ids=lambda settings: settings["architecture"],
)
def test_fields_have_the_values_of_the_original(pair: Callable[..., Pair], settings: dict[str, Any]) -> None:
    original, compiled = pair(**settings)
    for text in ALL_TEXTS:
        assert_same_data(original(text)._.trf_data, compiled(text)._.trf_data)


@pytest.fixture
def doc(pair: Callable[..., Pair]) -> Doc:
    """A Doc of several windows, by the compiled pipeline."""
    return pair(architecture="bert")[1](OF_MANY_WINDOWS)


def test_it_is_read_once_and_shares_memory(pair: Callable[..., Pair], doc: Doc) -> None:
    assert doc._.trf_data is doc._.trf_data
    assert doc._.trf_data.tensors[0] is doc._.trf_data.model_output.last_hidden_state
    short = pair(architecture="bert")[1](TEXTS[0])
    encoding = get_encoding(short)
    assert encoding is not None
    assert np.shares_memory(short._.trf_data.tensors[0], encoding.hidden)


@pytest.mark.parametrize("name", ["pooler_output", "attentions", "hidden_states"])
def test_outputs_that_are_not_computed_are_named(doc: Doc, name: str) -> None:
    for read in (
        lambda: doc._.trf_data.model_output[name],
        lambda: getattr(doc._.trf_data.model_output, name),
        lambda: getattr(doc._.trf_data, name),
    ):
        with pytest.raises(MissingOutputError, match=f"{name!r}: a compiled encoder computes only") as caught:
            read()
        assert "last_hidden_state" in caught.value.remedy
    assert not hasattr(doc._.trf_data.model_output, "no_such")
    assert not hasattr(doc._.trf_data, "no_such")


def test_an_output_that_the_original_lacks_gives_the_default(doc: Doc) -> None:
    output = doc._.trf_data.model_output
    assert output.get("attentions") is None
    assert output.get("attentions", ()) == ()
    assert output.get("last_hidden_state") is output.last_hidden_state
    with pytest.raises(MissingOutputError, match="pooler_output"):
        output.get("pooler_output")


def test_the_pooled_output_that_bert_has_is_not_mistaken_for_another(doc: Doc) -> None:
    with pytest.raises(MissingOutputError, match="pooler_output"):
        doc._.trf_data.tensors[-1]
    assert len(doc._.trf_data.tensors) == 2


@pytest.mark.parametrize("by", ["to_bytes", "DocBin", "pickle"])
def test_it_is_serialized_with_the_doc(doc: Doc, by: str) -> None:
    if by == "to_bytes":
        copy = Doc(doc.vocab).from_bytes(doc.to_bytes())
    elif by == "DocBin":
        stored = DocBin(store_user_data=True, docs=[doc]).to_bytes()
        (copy,) = DocBin().from_bytes(stored).get_docs(doc.vocab)
    else:
        copy = pickle.loads(pickle.dumps(doc))
    assert_same_data(doc._.trf_data, copy._.trf_data)


@pytest.mark.slow
def test_setting_it_to_none_frees_the_hidden_states(pair: Callable[..., Pair]) -> None:
    original, compiled = pair(architecture="bert")
    doc = compiled(OF_MANY_WINDOWS)
    encoding = get_encoding(doc)
    assert encoding is not None
    freed = weakref.ref(encoding.hidden), weakref.ref(doc._.trf_data.tensors[0].base)
    del encoding
    doc._.trf_data = None
    gc.collect()
    assert [reference() for reference in freed] == [None, None]
    assert doc._.trf_data is None

    def listened(nlp: Language) -> Any:
        doc = nlp.get_pipe("transformer")(nlp.make_doc(TEXTS[0]))
        doc._.trf_data = None
        ner: Any = nlp.get_pipe("ner")
        return ner.model.predict([doc]).tokvecs

    assert np.allclose(listened(original), listened(compiled), atol=TOLERANCE)


def test_it_moves_to_another_doc(pair: Callable[..., Pair]) -> None:
    """Components that make a new Doc keep its transformer output, and so do those that hide it for a while."""
    nlp = pair(architecture="bert")[1]
    doc = nlp(TEXTS[0])
    data = doc._.trf_data
    doc._.trf_data = None
    copy = Doc(nlp.vocab, words=[token.text for token in doc])
    copy._.trf_data = data
    assert_same_data(data, copy._.trf_data)
    assert nlp.get_pipe("ner")(copy).ents == nlp(TEXTS[0]).ents or len(copy.ents)


@pytest.mark.parametrize("first", ["original", "compiled"])
def test_both_libraries_work_in_one_process(pair: Callable[..., Pair], first: str) -> None:
    original, compiled = pair(architecture="bert")
    Doc.remove_extension(TRF_DATA)
    pipelines = (original, compiled) if first == "original" else (compiled, original)
    for nlp in pipelines * 2:
        data = nlp(TEXTS[0])._.trf_data
        assert (type(data).__module__.partition(".")[0] == "spacy_transformers") is (nlp is original)
    # One Doc through both: the last one that ran counts.
    doc = original(TEXTS[0])
    assert compiled.get_pipe("transformer")(doc)._.trf_data.encoding is not None
    assert get_encoding(original.get_pipe("transformer")(doc)) is None
    assert type(doc._.trf_data).__module__.startswith("spacy_transformers")
