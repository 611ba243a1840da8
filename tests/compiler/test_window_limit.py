"""Windows below, at and above every limit: fp32 equals the original, or is refused before it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.graphs.builder import split_weights
from spacy_lambda.compiler.graphs.encoder_graph import build_graph
from spacy_lambda.compiler.inspection import inspect_original
from spacy_lambda.compiler.parity import check_encoder, expect, row_error
from spacy_lambda.compiler.precisions import PRECISIONS
from spacy_lambda.compiler.quantize import quantize_table
from spacy_lambda.compiler.samples import checked_lengths
from spacy_lambda.errors import CompileError
from spacy_lambda.runtime.encoder_output import get_encoding
from tests.compiler.originals import MAX_LENGTH, WORDS, build_transformer
from tests.compiler.pipelines import unproved

pytestmark = pytest.mark.slow

POSITIONS = MAX_LENGTH


def texts(lengths: list[int]) -> list[str]:
    """Texts of the given numbers of wordpieces, the two special ones included."""
    words = [word for word in WORDS if word not in ("silicon", "temperature")] * 40
    return [" ".join(words[: length - 2]) for length in lengths]


def token_rows(nlp: Any, text: str) -> Any:
    """The original's hidden states of each token's wordpieces, one after the other."""
    data = nlp(text)._.trf_data
    return data.model_output.last_hidden_state.reshape(-1, data.width)[data.align.dataXd.ravel()]


def compiled_rows(nlp: Any, text: str) -> Any:
    doc: Doc = nlp(text)
    encoding = get_encoding(doc)
    assert encoding is not None
    return encoding.hidden[encoding.rows]


def test_relative_positions_are_not_a_limit(tmp_path: Path) -> None:
    source = build_transformer(tmp_path, architecture="deberta without a limit")
    meta = compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    first, second = spacy.load(source), spacy.load(tmp_path / "out")
    for text in texts([POSITIONS - 1, POSITIONS, POSITIONS + 1, 4 * POSITIONS]):
        expected = token_rows(first, text)
        assert row_error(compiled_rows(second, text), expected) < 1e-4
    assert meta.encoders["transformer"]["max_length"] > 4 * POSITIONS
    assert meta.encoders["transformer"]["checked_length"] > 4 * POSITIONS


def test_windows_on_which_the_original_raises_are_truncated(tmp_path: Path) -> None:
    source = build_transformer(tmp_path, architecture="bert without a limit")
    meta = compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    assert meta.encoders["transformer"]["max_length"] == POSITIONS
    first, second = spacy.load(source), spacy.load(tmp_path / "out")
    at, above = texts([POSITIONS, POSITIONS + 30])
    with pytest.raises(Exception, match=r"must match|out of range"):
        first(above)
    expected = token_rows(first, at)
    assert row_error(compiled_rows(second, at), expected) < 1e-4
    truncated = get_encoding(second(above))
    assert truncated is not None
    assert (len(truncated.hidden), truncated.truncated) == (POSITIONS, 1)


def nan(transformer: Any) -> None:
    with torch.no_grad():
        next(p for p in transformer.parameters() if p.dim() > 1)[7] = float("nan")


def half(transformer: Any) -> None:
    transformer.half().config.torch_dtype = torch.float16


def pruned(transformer: Any) -> None:
    transformer.prune_heads({0: [1]})


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "changes with what it has seen": ({"architecture": "big bird"}, "when it runs again", "original_full"),
    "NaN in the weights": ({"architecture": "bert", "change": nan}, "gives NaN or infinity", "train it again"),
    "half precision": ({"architecture": "bert", "change": half}, "computes in torch.float16", ".float()"),
}


@pytest.mark.parametrize(("settings", "reason", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, settings: dict[str, Any], reason: str, remedy: str) -> None:
    source = build_transformer(tmp_path / "source", **settings)
    with pytest.raises(CompileError) as caught:
        # int8 is refused for what fp32 is refused for.
        compile_pipeline(str(source), tmp_path / "out", precision="int8")
    assert reason in caught.value.message
    assert remedy in caught.value.remedy
    assert os.listdir(tmp_path) == ["source"]


DAMAGED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "NaN": (lambda table: table * np.nan, "is NaN"),
    "all the same": (lambda table: table * 0, "of their spread away"),
    "far from it": (lambda table: -table, "of their spread away"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGED.values(), ids=DAMAGED.keys())
def test_int8_far_from_fp32_is_refused(tmp_path: Path, damage: Callable[[Any], Any], reason: str) -> None:
    (part,) = inspect_original(build_transformer(tmp_path, architecture="bert")).transformers
    weights = part.weights()
    assert weights is not None
    table = quantize_table(weights.words)
    graph = build_graph(weights, words=replace(table, scales=damage(table.scales)))
    with pytest.raises(CompileError) as caught:
        check_encoder(part, split_weights(graph), expect(part), PRECISIONS["int8"], on_check=lambda done, total: None)
    assert reason in caught.value.message
    assert "--precision fp32" in caught.value.remedy


def test_pruned_heads_and_large_activations(tmp_path: Path) -> None:
    def change(transformer: Any) -> None:
        pruned(transformer)
        with torch.no_grad():
            transformer.encoder.layer[0].output.dense.weight.mul_(1e8)

    source = build_transformer(tmp_path, architecture="bert", change=change)
    compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    (text,) = texts([40])
    expected = token_rows(spacy.load(source), text)
    assert row_error(compiled_rows(spacy.load(tmp_path / "out"), text), expected) < 1e-4


def test_lengths_on_both_sides_of_those_in_a_config() -> None:
    lengths = checked_lengths(100, {"attention_window": 48, "vocab_size": 50, "block_size": 8})
    assert {1, 2, 3, 7, 8, 9, 47, 48, 49, 99, 100} <= set(lengths)
    assert max(lengths) == lengths[0] == 100
    assert 51 not in lengths


def test_windows_without_a_wordpiece(original: Callable[..., Path], tmp_path: Path) -> None:
    """A tokenizer that adds no special wordpieces makes none of whitespace: its tokens are zeros."""
    compile_pipeline(str(original()), tmp_path / "out", prove=unproved)
    path = tmp_path / "out" / "transformer" / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "post_processor": None}))
    nlp = spacy.load(tmp_path / "out")
    docs = list(nlp.pipe([" ", "iron \n\n glass", ""]))
    lengths = [len(encoding.hidden) for doc in docs if (encoding := get_encoding(doc)) is not None]
    assert lengths == [0, 2, 0]
    rows = nlp.get_pipe("ner").model.get_ref("tok2vec").predict(docs[:2])  # type: ignore[attr-defined]
    assert len(rows) == len(docs[0]) + len(docs[1])
