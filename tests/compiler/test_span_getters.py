"""Span getters of a pipeline's own: called in the function as they are in the original."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda import load
from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime.encoder_output import get_encoding
from spacy_lambda.runtime.windows import custom_windows
from tests.compiler.curated_originals import build_curated
from tests.compiler.originals import TEXTS, Pair, build_original
from tests.compiler.pipelines import changed, unproved, write

CODE = """
import spacy

def chunks(doc, size):
    return [doc[start : start + size] for start in range(0, len(doc), size)]

GETTERS = {
    "nested, overlapping, twice": lambda doc, size: [doc[:], *chunks(doc, size), doc[:]],
    "out of order": lambda doc, size: [doc[:1], *reversed(chunks(doc, size)), doc[:]],
    "without the ends": lambda doc, size: [doc[1:-1]] if len(doc) > 2 else [doc[:]],
    "sentences of a component before": lambda doc, size: list(doc.sents),
}

@spacy.registry.span_getters("survey_spans.v1")
def configure(kind: str, size: int):
    def get_spans(docs):
        return [GETTERS[kind](doc, size) for doc in docs]
    return get_spans
"""
needs_curated = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="spacy-curated-transformers excludes Python 3.14"
)
KINDS = ("nested, overlapping, twice", "out of order", "without the ends", "sentences of a component before")


def with_getter(original: Path, folder: Path, kind: str) -> Path:
    def change(config: Any) -> None:
        getter = {"@span_getters": "survey_spans.v1", "kind": kind, "size": 5}
        config["components"]["transformer"]["model"]["get_spans"] = getter

    return changed(original, folder, change)


@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])])
def test_compiled(original: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    code = write(tmp_path / "survey_spans.py", CODE)
    source = with_getter(original(before=("sentencizer",)), tmp_path / "source", kind)
    compile_pipeline(str(source), tmp_path / "out", code=[code], prove=unproved)
    first, second = spacy.load(source), load(tmp_path / "out")
    for nlp in (first, second):
        nlp.remove_pipe("ner")  # it fails on fewer vectors than tokens
    texts = [*TEXTS, "iron", "", " \n ", "iron " * 30]
    for text, doc in zip(texts, second.pipe(texts), strict=True):
        data, found = first(text)._.trf_data, get_encoding(doc)
        assert found is not None
        np.testing.assert_array_equal(found.lengths, data.align.lengths)
        if text:
            rows = data.align.dataXd.ravel()
            expected = data.model_output.last_hidden_state.reshape(-1, data.width)[rows]
            np.testing.assert_allclose(found.hidden[found.rows], expected, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_tokens_without_vectors(pair: Callable[..., Pair]) -> None:
    """spaCy's parsers would read the vectors of the next Doc; categories of texts need no vector for each token."""
    _, nlp = pair(components=("ner", "textcat"))
    transformer: Any = nlp.get_pipe("transformer")
    original_windows, transformer._windows = transformer._windows, lambda doc: [(1, len(doc) - 1)]
    try:
        for run in (nlp, lambda text: list(nlp.pipe([text, text]))):
            with pytest.raises(EncoderError, match="have 9 of the 11 tokens of the text 'The film of iron") as caught:
                run(TEXTS[0])
            assert "span_getters" in caught.value.remedy
        with nlp.select_pipes(disable="ner"):
            assert nlp(TEXTS[0]).cats
    finally:
        transformer._windows = original_windows


@pytest.mark.parametrize(
    "build",
    [pytest.param(build_original, marks=pytest.mark.slow), pytest.param(build_curated, marks=needs_curated)],
)
def test_tokens_that_are_merged_later(build: Callable[..., Path], tmp_path: Path) -> None:
    """A Doc's vectors do not shift those of the next one."""
    source = build(tmp_path, components=("ner", "spancat"))
    compile_pipeline(str(source), tmp_path / "out", prove=unproved)
    first, second = spacy.load(source), spacy.load(tmp_path / "out")
    for nlp in (first, second):
        nlp.add_pipe("merge_first_two", after="transformer")
    expected = [annotated(first(text)) for text in TEXTS]
    assert [annotated(second(text)) for text in TEXTS] == expected
    assert [annotated(doc) for doc in second.pipe(TEXTS)] == expected


@Language.component("merge_first_two")
def merge_first_two(doc: Doc) -> Doc:
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[:2])
    return doc


def annotated(doc: Doc) -> Any:
    """Return entities and spans."""
    return [[(span.start, span.end, span.label_) for span in group] for group in (doc.ents, doc.spans["sc"])]


@pytest.mark.slow
def test_proved_in_the_function(original: Callable[..., Path], tmp_path: Path) -> None:
    code = write(tmp_path / "survey_spans.py", CODE)
    source = with_getter(original(before=("sentencizer",)), tmp_path / "source", KINDS[0])
    meta = compile_pipeline(str(source), tmp_path / "out", code=[code])
    assert meta.encoders["transformer"]["get_spans"]["@span_getters"] == "survey_spans.v1"
    assert load(tmp_path / "out")(TEXTS[0]).ents


def test_spans_on_which_spacy_transformers_fails() -> None:
    doc, other = (spacy.blank("en")("iron grows on silicon") for _ in range(2))
    wrong: dict[str, Callable[[Any], Any]] = {
        "an empty span": lambda docs: [[doc[:1], doc[2:2]]],
        "something other than": lambda docs: [[other[:2]]],
        "something other than one list": lambda docs: [],
    }
    for what, getter in wrong.items():
        with pytest.raises(EncoderError, match=what):
            custom_windows(doc, getter)
    assert custom_windows(doc, lambda docs: [[]]) == []
    assert custom_windows(doc[:0].as_doc(), wrong["an empty span"]) == []
