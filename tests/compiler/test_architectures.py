"""Every architecture compiles to the same hidden states, or is refused with its reason."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from transformers.models.canine import tokenization_canine

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.parity import row_error
from spacy_lambda.errors import CompileError
from spacy_lambda.runtime.encoder_output import get_encoding
from tests.compiler.architectures import CASES, Case, build, table
from tests.compiler.originals import TEXTS, WORDS, build_transformer
from tests.compiler.pipelines import unproved

FIRST = ("BERT", "Longformer", "XLNet", "GPT-2, padded on the left")
"""Cases of every kind, which run in quick runs too."""

LONG = (
    "a [SEP] b </s> <pad> iron " + "temperature" * 9,
    " ".join(WORDS * 3),
    " \n ",
    "Ünïcödé 🧑‍🔬 glass",
)


def rows_of_original(nlp: Any, text: str) -> tuple[Any, Any]:
    data = nlp(text)._.trf_data
    hidden = data.model_output.last_hidden_state
    return data.align.lengths, hidden.reshape(-1, hidden.shape[-1])[data.align.dataXd.ravel()]


def assert_same(source: Path, compiled: Path) -> None:
    """Check that both pipelines give every token the same hidden states."""
    first, second = spacy.load(source), spacy.load(compiled)
    for text in (*TEXTS, *LONG):
        lengths, expected = rows_of_original(first, text)
        found = get_encoding(second(text))
        assert found is not None
        np.testing.assert_array_equal(found.lengths, lengths)
        # Some models give NaN for padding in a text.
        if np.isfinite(expected).all() and expected.size:
            assert row_error(found.hidden[found.rows], expected) < 1e-4


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c.name, marks=() if c.name in FIRST else pytest.mark.slow) for c in CASES]
)
def test_compiled_or_refused(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings.simplefilter("ignore")  # of transformers, on unusual models
    # The vocabulary of CANINE is all of Unicode, of which each of its tokenizers makes a table.
    monkeypatch.setattr(tokenization_canine, "UNICODE_VOCAB_SIZE", 0xE100)
    if case.fails:
        with pytest.raises(Exception, match=re.escape(str(case.message))):
            build(case, tmp_path)
        return
    source = build(case, tmp_path)
    if case.message is not None:
        with pytest.raises(CompileError) as caught:
            compile_pipeline(str(source), tmp_path / "out", prove=unproved)
        assert case.message in f"{caught.value.message} {caught.value.remedy}"
        assert caught.value.remedy
        return
    compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    assert_same(source, tmp_path / "out")


SETTINGS: dict[str, dict[str, Any]] = {
    "special wordpieces as words": {"split_special_tokens": True},
    "cased": {"do_lower_case": False},
    "a shorter limit": {"model_max_length": 12, "truncation_side": "left"},
    "a space before the first word": {"architecture": "roberta", "add_prefix_space": True},
}


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_of_the_tokenizer(settings: dict[str, Any], tmp_path: Path) -> None:
    source = build_transformer(tmp_path, **{"architecture": "bert", **settings})
    compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    assert_same(source, tmp_path / "out")


def test_padding_that_shifts_positions(tmp_path: Path) -> None:
    source = build_transformer(tmp_path, architecture="bert", padding_side="left")
    with pytest.raises(CompileError, match="depend on padding") as caught:
        compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    assert '"padding_side": "right"' in caught.value.remedy


def test_the_table_of_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page, "replace it by what `python -m tests.compiler.architectures` prints"
