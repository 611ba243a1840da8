"""``doc._.trf_data`` with the base install, of a pipeline that was compiled before there was one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.errors import EncoderError, MissingOutputError
from spacy_lambda.runtime.encoder_output import (
    ENCODING_KEY,
    TRF_DATA,
    TRF_DATA_KEY,
    EncodedWordpieces,
    Encoding,
    OutputFormat,
    get_encoding,
)
from spacy_lambda.runtime.trf_data.extension import get_trf_data, install_extension
from spacy_lambda.runtime.trf_data.views import make_view

TEXT = "Thin films of iron oxide were grown on silicon by molecular beam epitaxy."


def test_tokens_are_aligned_with_rows(bundled: Language) -> None:
    doc = bundled(TEXT)
    data = doc._.trf_data
    encoding = get_encoding(doc)
    assert encoding is not None
    assert data.tensors[0].shape == (1, *encoding.hidden.shape)
    assert data.wordpieces.strings[0][:3] == ["[CLS]", "thin", "films"]
    assert data.align[1].dataXd.ravel().tolist() == [2]
    assert np.array_equal(data.last_hidden_layer_state[1].dataXd.ravel(), data.tensors[0][0, 2])
    assert data.wordpieces[0].lengths == [len(data.wordpieces.strings[0])]


def test_windows_are_padded(bundled: Language) -> None:
    data = bundled(" ".join([TEXT] * 30))._.trf_data
    mask = data.wordpieces.attention_mask
    assert len(mask) > 1
    assert mask.sum(axis=1).astype(int).tolist() == data.wordpieces.lengths
    assert not data.tensors[0][mask == 0].any()
    assert {one for row in data.wordpieces.strings for one in row if one == "[PAD]"}


def test_an_empty_text_has_no_outputs(bundled: Language) -> None:
    data = bundled("")._.trf_data
    assert (len(data.wordpieces), len(data.tensors), len(data.align.lengths)) == (0, 0, 0)
    with pytest.raises(ValueError, match="Cannot find"):
        _ = data.width


def test_components_refuse_the_output_of_a_transformer_that_is_not_compiled(bundled: Language) -> None:
    doc = bundled.make_doc(TEXT)
    doc.user_data[TRF_DATA_KEY] = object()
    with pytest.raises(EncoderError, match="cannot read its output"):
        bundled.get_pipe("ner").predict([doc])  # type: ignore[attr-defined]
    doc.user_data[TRF_DATA_KEY] = None  # as a component leaves it that frees the hidden states
    bundled.get_pipe("ner").predict([doc])  # type: ignore[attr-defined]


def test_docs_that_were_serialized_by_older_versions_have_it_without_wordpieces(bundled: Language) -> None:
    doc = bundled(TEXT)
    doc.user_data[ENCODING_KEY] = doc.user_data[ENCODING_KEY][:4]
    old = Doc(bundled.vocab).from_bytes(doc.to_bytes())
    assert old._.trf_data.last_hidden_layer_state.lengths.tolist() == doc._.trf_data.align.lengths.tolist()
    with pytest.raises(MissingOutputError, match="'wordpieces'") as caught:
        _ = old._.trf_data.wordpieces
    assert "last_hidden_layer_state.lengths" in caught.value.remedy


def test_an_attribute_of_the_users_is_left_alone() -> None:
    def mine(doc: Doc) -> str:
        return "mine"

    Doc.set_extension(TRF_DATA, getter=mine, force=True)
    install_extension()
    assert Doc.get_extension(TRF_DATA)[2] is mine
    Doc.remove_extension(TRF_DATA)
    Doc.set_extension(TRF_DATA, default=None)
    install_extension()
    assert Doc.get_extension(TRF_DATA)[2] is get_trf_data


def test_processes_have_it_too(bundled: Language) -> None:
    docs: Any = list(bundled.pipe([TEXT] * 3, n_process=2, batch_size=1))
    assert [doc._.trf_data.width for doc in docs] == [bundled(TEXT)._.trf_data.width] * 3


@pytest.mark.slow
def test_what_nothing_reads_is_not_imported(bundled_path: Path) -> None:
    script = (
        "import sys, spacy_lambda; spacy_lambda.load(sys.argv[1])(sys.argv[2]);"
        "print(sorted(name for name in sys.modules if 'trf_data' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, bundled_path, TEXT], capture_output=True, text=True, check=True
    )
    modules = ["spacy_lambda.runtime.trf_data", "spacy_lambda.runtime.trf_data.extension"]
    assert done.stdout.strip() == str(modules)


@pytest.mark.parametrize("side", ["left", "right"])
def test_windows_are_padded_on_either_side(side: str) -> None:
    lengths = np.array([2, 3], dtype=np.int32)
    wordpieces = EncodedWordpieces(np.arange(1, 6, dtype=np.int32), lengths, list("abcde"), np.ones(5, dtype=np.int32))
    hidden = np.arange(1, 6, dtype=np.float32)[:, np.newaxis]
    rows = np.arange(5, dtype=np.int32)
    form = OutputFormat("_", 9, token_types=True, padding_side=side, pad_type_id=3)
    data = make_view(Encoding(hidden, rows, np.ones(5, dtype=np.int32), wordpieces=wordpieces, format=form))
    found = data.tokens
    is_left = side == "left"
    assert found["input_texts"] == [["_", "a", "b"] if is_left else ["a", "b", "_"], ["c", "d", "e"]]
    assert found["input_ids"].tolist() == [[9, 1, 2] if is_left else [1, 2, 9], [3, 4, 5]]
    assert found["attention_mask"].tolist() == [[0, 1, 1] if is_left else [1, 1, 0], [1, 1, 1]]
    assert found["token_type_ids"].tolist() == [[3, 1, 1] if is_left else [1, 1, 3], [1, 1, 1]]
    assert data.tensors[0].reshape(-1)[data.align.dataXd.ravel()].tolist() == [1, 2, 3, 4, 5]
    assert data.wordpieces.lengths == [2, 3]
