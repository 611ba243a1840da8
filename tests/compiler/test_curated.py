"""Pipelines of spacy-curated-transformers: the compiled pipeline predicts what the original predicts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry
from spacy_curated_transformers.tokenization import wordpiece_encoder
from thinc.api import Config, Model

from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.parity import row_error
from spacy_lambda.errors import UnsupportedPipelineError
from spacy_lambda.runtime.encoder_output import get_encoding
from tests.compiler.curated_originals import CURATED, ENCODERS, LISTENERS, build_curated
from tests.compiler.originals import EDGE_TEXTS, TEXTS
from tests.compiler.pipelines import unproved

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 14), reason="spacy-curated-transformers excludes Python 3.14")

COMPONENTS = ("tagger", "parser", "ner")
LONG_TEXT = "5,000 tokens"
"""The name of an edge text that takes most of the time; the others have many windows, too."""

TEXTS_OF_ALL = (
    *TEXTS,
    *(text for name, text in EDGE_TEXTS.items() if name != LONG_TEXT),
    " ".join(TEXTS) * 6,
    "[PAD] iron <pad> [pad] glass",
)
TOLERANCE = 1e-4


def predictions(nlp: Language, texts: tuple[str, ...]) -> list[tuple[Any, Any, Doc] | None]:
    """Return the tokens and the entities of each text, and its Doc; nothing for one on which the pipeline fails."""
    return [_prediction(nlp, text) for text in texts]


def _prediction(nlp: Language, text: str) -> tuple[Any, Any, Doc] | None:
    try:
        doc = nlp(text)
    except Exception:
        return None
    tokens = [(t.text, t.tag_, t.dep_, t.head.i, t.is_sent_start) for t in doc]
    return tokens, entities(doc), doc


def entities(doc: Doc) -> list[tuple[int, int, str]]:
    """Return the entities of a Doc."""
    return [(e.start, e.end, e.label_) for e in doc.ents]


def assert_same(original: Path, compiled: Path, texts: tuple[str, ...] = TEXTS_OF_ALL) -> None:
    """Check annotations and hidden states of every text, one by one and in batches."""
    first, second = spacy.load(original), spacy.load(compiled)
    found = predictions(second, texts)
    assert None not in found
    # The original itself fails on whitespace alone.
    both = [(old, new) for old, new in zip(predictions(first, texts), found, strict=True) if old and new]
    annotated = 0
    for (tokens, ents, doc), (new_tokens, new_ents, new_doc) in both:
        assert (new_tokens, new_ents) == (tokens, ents)
        annotated += bool(ents)
        old, new = doc._.trf_data, get_encoding(new_doc)
        assert new is not None
        rows = np.stack([layer.dataXd for layer in old.all_outputs])
        states = new.hidden[np.newaxis] if new.layers is None else new.layers
        assert row_error(states, rows) < TOLERANCE
    assert annotated > len(TEXTS), "the original annotates little"
    good, expected = [old[2].text for old, _ in both], [old[1] for old, _ in both]
    for size in (3, 64):
        assert [entities(doc) for doc in second.pipe(good, batch_size=size)] == expected


LAST_LAYER, ALL_LAYERS = LISTENERS
PARTS = (
    ("roberta", "ByteBpeEncoder", LAST_LAYER),
    ("bert", "BertWordpieceEncoder", ALL_LAYERS),
    ("xlmr", "XlmrSentencepieceEncoder", LAST_LAYER),
    ("camembert", "CamembertSentencepieceEncoder", ALL_LAYERS),
    ("albert", "SentencepieceEncoder", ALL_LAYERS),
    ("albert in groups", "WordpieceEncoder", LAST_LAYER),
    ("albert in groups", "CharEncoder", ALL_LAYERS),
    ("bert", "WordpieceEncoder", LAST_LAYER),
    ("roberta", "ByteBpeEncoder", ALL_LAYERS),
)
"""Each architecture, wordpiece encoder and listener; an architecture gets nothing of a text but ids of wordpieces."""
CASES: dict[str, dict[str, Any]] = {
    ", ".join(parts): dict(zip(("architecture", "encoder", "listener"), parts, strict=True)) for parts in PARTS
}
PROVED = next(iter(CASES))

FIRST = ", ".join(PARTS[1])
"""The case that runs in quick runs too."""


def test_the_cases_have_all_parts() -> None:
    assert [set(found) for found in zip(*PARTS, strict=True)] == [set(CURATED), set(ENCODERS), set(LISTENERS)]


@pytest.mark.parametrize(
    "case",
    [pytest.param(name, marks=() if name == FIRST else pytest.mark.slow) for name in CASES],
)
def test_same_annotations(tmp_path: Path, case: str) -> None:
    original = build_curated(tmp_path, components=COMPONENTS, **CASES[case])
    # Others than the first are not proved: the proof has tests of its own.
    checks: dict[str, Any] = {} if case == PROVED else {"prove": unproved}
    meta = compile_pipeline(str(original), tmp_path / "out", **checks)
    # One long text for each of the ways to cut texts would repeat the others' checks of windows.
    texts = (*TEXTS_OF_ALL, EDGE_TEXTS[LONG_TEXT]) if case == PROVED else TEXTS_OF_ALL
    assert_same(original, tmp_path / "out", texts)
    encoder = meta.encoders["transformer"]
    assert (encoder["method"], encoder["window"], encoder["max_length"]) == ("graph", 24, 128)
    assert meta.tools["spacy-curated-transformers"].startswith("0.3")


def test_padding_in_a_text_is_masked(tmp_path: Path) -> None:
    """Without splitting at punctuation, a token may be the padding wordpiece, which the original does not attend to."""
    original = build_curated(
        tmp_path, architecture="bert", encoder="WordpieceEncoder", encoder_settings={"lowercase": False}
    )
    compile_pipeline(str(original), tmp_path / "out", prove=unproved)
    first, second = spacy.load(original), spacy.load(tmp_path / "out")
    doc, other = (Doc(nlp.vocab, words=["iron", "[PAD]", "glass"]) for nlp in (first, second))
    transformer: Any = first.get_pipe("transformer")
    expected = transformer.predict([doc]).all_outputs[0][-1]
    found = get_encoding(second.get_pipe("transformer")(other))
    assert found is not None
    assert found.lengths.tolist() == expected.lengths.tolist()
    assert row_error(found.hidden, expected.dataXd) < TOLERANCE


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "windows longer than the model takes": (
        {"window": 200, "stride": 150},
        "fill a window of 200",
        "set window where the model keeps it",
    ),
    "windows that never end": ({"window": 1, "stride": 0}, "a stride of 0", "set stride where the model keeps it"),
}


@pytest.mark.parametrize(("settings", "reason", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path: Path, settings: dict[str, Any], reason: str, remedy: str) -> None:
    def change(nlp: Language) -> None:
        transformer: Any = nlp.get_pipe("transformer")
        next(node for node in transformer.model.walk() if node.name == "with_strided_spans").attrs.update(settings)

    path = build_curated(tmp_path, change=change)
    with pytest.raises(UnsupportedPipelineError) as caught:
        compile_pipeline(str(path), tmp_path / "out")
    assert reason in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("precision", ["int8", "int8-weight-only"])
def test_inexact_precisions(tmp_path: Path, precision: Any) -> None:
    original = build_curated(tmp_path, listener="ScalarWeightingListener")
    compile_pipeline(str(original), tmp_path / "out", precision=precision, prove=unproved)
    nlp = spacy.load(tmp_path / "out")
    one_by_one = [doc.to_json() for doc in map(nlp, TEXTS)]
    assert [doc.to_json() for doc in nlp.pipe(TEXTS, batch_size=3)] == one_by_one


def test_custom_functions_in_the_model_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They could cut some texts only in another way than the library's, so that no comparison would show it."""
    build = wordpiece_encoder.build_bert_wordpiece_encoder_v1

    def custom_build() -> Model[Any, Any]:
        model: Model[Any, Any] = build()
        model.attrs["preprocess"] = lambda text: wordpiece_encoder._bert_preprocess(text.replace("\u0451", "\u0435"))
        return model

    registry.architectures.register("custom.Encoder.v1", func=custom_build)
    path = build_curated(tmp_path, architecture="bert", encoder="BertWordpieceEncoder")
    config = Config().from_disk(path / "config.cfg")
    config["components"]["transformer"]["model"]["piece_encoder"]["@architectures"] = "custom.Encoder.v1"
    config.to_disk(path / "config.cfg")
    with pytest.raises(UnsupportedPipelineError, match=r"runs functions that are not the library's: .*custom_build"):
        compile_pipeline(str(path), tmp_path / "out")


@pytest.mark.slow
def test_windows_of_special_wordpieces_alone(tmp_path: Path) -> None:
    original = build_curated(tmp_path, window=2, stride=1)
    compile_pipeline(str(original), tmp_path / "out", prove=unproved)
    assert_same(original, tmp_path / "out")
