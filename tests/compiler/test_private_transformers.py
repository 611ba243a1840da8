"""Components with transformers of their own, and several transformers in one pipeline: compiled and equal."""

from __future__ import annotations

import copy
import pickle
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
from spacy_lambda.compiler.description import describe_pipeline
from spacy_lambda.errors import UnsupportedPipelineError
from spacy_lambda.pipeline.kind import PipelineKind, pipeline_kind
from spacy_lambda.runtime.private_transformer import find_transformers
from tests.compiler.curated_originals import build_curated
from tests.compiler.originals import TEXTS, example
from tests.compiler.pipelines import changed, edit, unproved, write
from tests.compiler.private_originals import (
    build_mixture,
    build_private,
    build_several,
    build_tok2vec,
    build_two_curated,
    replace_all,
    tok2vec_section,
)

needs_curated = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="spacy-curated-transformers excludes Python 3.14"
)

TOLERANCE = 1e-4
ALL_TEXTS = (*TEXTS, "", "iron", " ".join(TEXTS) * 6, "[SEP] heat [PAD] 😀\n\nglass\u00ad")

Original = Callable[..., Path]


def compiled(source: Path, out: Path, **settings: Any) -> tuple[Language, Language]:
    """Compile a pipeline without the proof, and return the original and the result."""
    compile_pipeline(str(source), out, prove=unproved, **settings)
    return spacy.load(source), spacy.load(out)


def annotations_in(doc: Doc) -> Any:
    """Return tokens, tags, heads and entities."""
    return [(t.text, t.tag_, t.dep_, t.head.i) for t in doc], [(e.start, e.end, e.label_) for e in doc.ents]


def assert_same(pair: tuple[Language, Language], texts: tuple[str, ...] = ALL_TEXTS) -> None:
    """Check that both annotate all texts alike, and that they annotate some at all."""
    expected, found = ([annotations_in(doc) for doc in map(nlp, texts)] for nlp in pair)
    assert found == expected
    assert [annotations_in(doc) for doc in pair[1].pipe(texts, batch_size=3)] == expected
    assert any(ents or any(tag for _, tag, *_ in tokens) for tokens, ents in expected)


def assert_same_vectors(pair: tuple[Language, Language], name: str) -> None:
    """Check the token vectors of a component."""
    first, second = (_vectors(nlp, name) for nlp in pair)
    for expected, found in zip(first, second, strict=True):
        assert np.abs(np.asarray(expected) - np.asarray(found)).max() < TOLERANCE * np.abs(expected).max()


def _vectors(nlp: Language, name: str) -> Any:
    model = nlp.get_pipe(name).model  # type: ignore[attr-defined]
    return model.get_ref("tok2vec").predict([nlp.make_doc(text) for text in TEXTS])


@pytest.mark.slow
def test_replaced_listeners(original: Original, tmp_path: Path) -> None:
    """The result is proved, stays the same through every form of copy, and is described."""
    source = build_private(tmp_path, original(components=("ner", "tagger")), "ner")
    meta = compile_pipeline(str(source), tmp_path / "out")
    assert list(meta.encoders) == ["transformer", "ner.model.tok2vec"]
    pair = spacy.load(source), spacy.load(tmp_path / "out")
    assert_same(pair)
    expected = [annotations_in(doc) for doc in map(pair[1], ALL_TEXTS)]
    pair[1].to_disk(tmp_path / "again")
    copies = (
        spacy.load(tmp_path / "again"),
        copy.deepcopy(pair[1]),
        pickle.loads(pickle.dumps(pair[1])),
        spacy.load(tmp_path / "out").from_bytes(pair[1].to_bytes()),
    )
    for nlp in copies:
        assert [annotations_in(doc) for doc in map(nlp, ALL_TEXTS)] == expected
    assert len(find_transformers(pair[1])) == 2


@pytest.mark.slow
def test_all_listeners_replaced(original: Original, tmp_path: Path) -> None:
    """Without a shared transformer nothing is left on the Docs; the pipeline counts as compiled nevertheless."""
    source = build_private(tmp_path, original(components=("ner", "tagger")))
    pair = compiled(source, tmp_path / "out")
    assert_same(pair)
    assert_same_vectors(pair, "tagger")
    assert pair[1](TEXTS[0]).user_data == {}
    assert [pipeline_kind(path) for path in (source, tmp_path / "out")] == [
        PipelineKind.ORIGINAL,
        PipelineKind.COMPILED,
    ]
    described = describe_pipeline(str(source))
    assert [one["component"] for one in described.transformers] == ["ner.model.tok2vec", "tagger.model.tok2vec"]
    assert not described.reasons
    written = sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert described.fits["fp32"].pipeline_bytes == pytest.approx(written, rel=0.2)
    again = describe_pipeline(str(tmp_path / "out")).fits["fp32"]
    assert again.memory_mb == pytest.approx(described.fits["fp32"].memory_mb, abs=1)


@pytest.mark.parametrize("version", [*(pytest.param(number, marks=pytest.mark.slow) for number in (1, 2)), 3])
def test_a_transformer_in_a_component(tmp_path: Path, version: int) -> None:
    pair = compiled(build_tok2vec(tmp_path, version), tmp_path / "out")
    assert_same(pair)


@pytest.mark.slow
def test_a_transformer_as_the_whole_model(tmp_path: Path) -> None:
    """A ``tok2vec`` component whose model is a transformer: other components listen to it, and it sets tensors."""
    pair = compiled(build_tok2vec(tmp_path, 3, factory="tok2vec"), tmp_path / "out")
    assert_same(pair)
    first, second = (nlp(TEXTS[0]).tensor for nlp in pair)
    assert np.abs(first - second).max() < TOLERANCE * np.abs(first).max()


@pytest.mark.slow
def test_int8(original: Original, tmp_path: Path) -> None:
    source = build_private(tmp_path, original(components=("ner", "tagger")), "ner")
    nlp = compiled(source, tmp_path / "out", precision="int8")[1]
    one_by_one = [annotations_in(doc) for doc in map(nlp, ALL_TEXTS)]
    assert [annotations_in(doc) for doc in nlp.pipe(ALL_TEXTS, batch_size=3)] == one_by_one


@needs_curated
@pytest.mark.slow
@pytest.mark.parametrize("listener", ["LastTransformerLayerListener", "ScalarWeightingListener"])
def test_replaced_listeners_of_curated_transformers(tmp_path: Path, listener: str) -> None:
    source = build_curated(
        tmp_path, listener=listener, components=("ner", "tagger"), change=lambda nlp: replace_all(nlp, "ner")
    )
    # The proof is the same for both kinds of listeners.
    prove = {"prove": unproved} if listener.startswith("Scalar") else {}
    meta = compile_pipeline(str(source), tmp_path / "out", **prove)  # type: ignore[arg-type]
    assert list(meta.encoders) == ["transformer", "ner.model.tok2vec"]
    pair = spacy.load(source), spacy.load(tmp_path / "out")
    assert_same(pair)
    again = spacy.load(tmp_path / "out").from_bytes(pair[1].to_bytes())
    assert_same((pair[0], again))


@pytest.mark.slow
@needs_curated
def test_all_listeners_of_curated_transformers_replaced(tmp_path: Path) -> None:
    source = build_curated(tmp_path, components=("ner", "tagger"), change=replace_all)
    pair = compiled(source, tmp_path / "out")
    assert_same(pair)
    assert_same_vectors(pair, "tagger")


SEVERAL: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "each with its listener": (
        ("transformer", {"name": "first", "seed": 0}),
        ("ner", {"upstream": "first"}),
        ("transformer", {"name": "second", "seed": 1}),
        ("tagger", {"upstream": "second"}),
    ),
    "the last one is used, whatever the name": (
        ("transformer", {"name": "first", "seed": 0}),
        ("transformer", {"name": "second", "seed": 1}),
        ("ner", {"upstream": "first"}),
        ("tagger", {"upstream": "*"}),
    ),
    "a CNN beside a transformer": (
        ("tok2vec", {}),
        ("transformer", {"name": "first", "seed": 0}),
        ("ner", {"upstream": "*"}),
        ("tagger", {"cnn": True}),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("steps", SEVERAL.values(), ids=SEVERAL.keys())
def test_several(tmp_path: Path, steps: tuple[tuple[str, dict[str, Any]], ...]) -> None:
    assert_same(compiled(build_several(tmp_path, *steps), tmp_path / "out"))


def test_a_listener_before_the_transformer(original: Original, tmp_path: Path) -> None:
    def change(config: Any) -> None:
        config["nlp"]["pipeline"] = ["tagger", "transformer", "ner"]

    source = changed(original(components=("ner", "tagger")), tmp_path / "original", change)
    assert_same(compiled(source, tmp_path / "out"))


@needs_curated
@pytest.mark.slow
def test_two_curated_transformers(tmp_path: Path) -> None:
    """Each with its listener: one of the last layer, then one of all layers."""
    assert_same(compiled(build_two_curated(tmp_path), tmp_path / "out"))


@needs_curated
@pytest.mark.slow
def test_both_libraries(original: Original, tmp_path: Path) -> None:
    """A shared curated transformer, a shared one of spacy-transformers, and a component with its own."""
    shared = build_private(tmp_path / "private", original(components=("ner", "spancat")), "ner")
    pair = compiled(build_mixture(tmp_path, shared), tmp_path / "out")
    assert_same(pair)
    assert len(find_transformers(pair[1])) == 3


@pytest.mark.slow
@needs_curated
def test_a_listener_behind_the_other_library_is_refused(original: Original, tmp_path: Path) -> None:
    def change(config: Any) -> None:
        config["nlp"]["pipeline"] = ["curated", "transformer", "tagger", "ner"]

    source = edit(build_mixture(tmp_path, original(components=("ner",))), change)
    with pytest.raises(UnsupportedPipelineError) as caught:
        compile_pipeline(str(source), tmp_path / "out")
    assert "'tagger' listens to a transformer of spacy-curated-transformers" in caught.value.message
    assert "'transformer', is of spacy-transformers" in caught.value.message
    assert "move 'tagger' directly behind its transformer" in caught.value.remedy


CODE = """
from spacy.util import registry
from thinc.api import concatenate

@registry.architectures("private.Both.v1")
def both(*layers):
    return concatenate(*layers)

@registry.architectures("private.Hidden.v1")
def hidden(name, get_spans, tokenizer_config, pooling, grad_factor, transformer_config):
    make = registry.architectures.get("spacy-transformers.Tok2VecTransformer.v2")
    return make(name, get_spans, tokenizer_config, pooling, grad_factor, transformer_config)
"""


def with_code(folder: Path, tok2vec: dict[str, Any]) -> tuple[Path, Path]:
    """Write a tagger whose model has a function of its own, and return it with the function's file."""
    code = write(folder / "private_architectures.py", CODE)
    import_code_file(code)
    nlp = spacy.blank("en")
    nlp.add_pipe("tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": tok2vec}})
    nlp.initialize(lambda: [example(nlp, text) for text in TEXTS])
    nlp.to_disk(folder / "original")
    return folder / "original", code


def import_code_file(path: Path) -> None:
    exec(compile(path.read_text(), path, "exec"), {"__name__": path.stem})


def both(folder: Path, **spans: Any) -> dict[str, Any]:
    """Return a section with two transformers, the second with its own windows."""
    sections = {"first": tok2vec_section(folder, 2), "second": tok2vec_section(folder, 3, seed=1, **spans)}
    return {"@architectures": "private.Both.v1", "*": sections}


@pytest.mark.slow
def test_two_transformers_in_a_component(tmp_path: Path) -> None:
    source, code = with_code(tmp_path, both(tmp_path))
    meta = compile_pipeline(str(source), tmp_path / "out", code=[code], prove=unproved)
    assert list(meta.encoders) == ["tagger.model.tok2vec.*.first", "tagger.model.tok2vec.*.second"]
    # The original's own function fails on an empty text next to others.
    assert_same((load(source), load(tmp_path / "out")), tuple(filter(None, ALL_TEXTS)))


@pytest.mark.slow
def test_windows_that_may_be_mixed_up_are_refused(tmp_path: Path) -> None:
    source, code = with_code(tmp_path, both(tmp_path, stride=12))
    with pytest.raises(UnsupportedPipelineError, match="'tagger' has several transformers of its own, with different"):
        compile_pipeline(str(source), tmp_path / "out", code=[code])


def test_a_transformer_that_a_config_does_not_show_is_refused(tmp_path: Path) -> None:
    hidden = {**tok2vec_section(tmp_path, 2), "@architectures": "private.Hidden.v1"}
    source, code = with_code(tmp_path, hidden)
    with pytest.raises(
        UnsupportedPipelineError, match="'tagger' has 1 transformers of its own, and its config names 0"
    ):
        compile_pipeline(str(source), tmp_path / "out", code=[code])


def test_windows_that_cannot_be_cut(original: Original, tmp_path: Path) -> None:
    def change(config: Any) -> None:
        config["components"]["ner"]["model"]["tok2vec"]["get_spans"]["stride"] = 0

    source = edit(build_private(tmp_path, original(components=("ner", "tagger")), "ner"), change)
    with pytest.raises(UnsupportedPipelineError) as caught:
        compile_pipeline(str(source), tmp_path / "out")
    assert "component 'ner.model.tok2vec' has stride = 0" in caught.value.message
    assert "set stride in [components.ner.model.tok2vec.get_spans]" in caught.value.remedy
