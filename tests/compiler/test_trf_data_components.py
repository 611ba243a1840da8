"""Readers of ``doc._.trf_data``: components, hooks and custom attributes, compiled and compared with the original."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from spacy_lambda import load
from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.verification import verify
from spacy_lambda.errors import CompileError, EncoderError
from spacy_lambda.runtime.encoder_output import get_encoding
from tests.compiler.originals import TEXTS
from tests.compiler.pipelines import append, changed, component, edit, write

pytestmark = pytest.mark.slow

EMBEDDING = """
import numpy as np

def rows(thing):
    data = thing.doc._.trf_data
    if data is None or not len(thing.doc):
        return np.zeros((1, 32), dtype="f")
    hidden = data.model_output.last_hidden_state.reshape(-1, data.width)
    start, end = (thing.start, thing.end) if hasattr(thing, "start") else (thing.i, thing.i + 1)
    chosen = data.align[start:end].data.flatten()
    return hidden[chosen] if len(chosen) else hidden[:1]

def doc_vector(doc):
    return rows(doc[:]).mean(axis=0)

def vector(thing):
    return rows(thing).mean(axis=0)

def cosine(one, other):
    first, second = one.vector, other.vector
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second) or 1))
"""

EMBED = """
doc.user_hooks["vector"] = doc_vector
doc.user_span_hooks["vector"] = vector
doc.user_token_hooks["vector"] = vector
doc.user_hooks["similarity"] = cosine
doc.cats["first"] = cosine(doc[:1], doc[1:2]) if len(doc) > 1 else 0.0
"""

ATTRIBUTE = """
from spacy.tokens import Doc, Span
def norm(span):
    data = span.doc._.trf_data
    if data is None:
        return None
    return [[len(row) for row in data.wordpieces.strings], int(data.align[span.start].lengths.sum())]
Span.set_extension("trf_norm", getter=norm, force=True)
Doc.set_extension("trf_shape", default=None, force=True)
"""

SHAPE = """
data = doc._.trf_data
doc._.trf_shape = list(data.tensors[0].shape) if len(doc) else []
doc.user_data["pooled"] = data.tensors[-1].tolist() if len(doc) else []
"""


@pytest.fixture(scope="module")
def source(original: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """An original with three components that read it, and one that removes it; and their code."""
    folder = tmp_path_factory.mktemp("readers")
    code = [
        component(folder / "trf_embedding.py", EMBED, top=EMBEDDING),
        component(folder / "trf_attributes.py", SHAPE, top=ATTRIBUTE),
        component(folder / "trf_vector.py", "doc.user_data['vector'] = doc.vector.tolist()"),
    ]
    path = changed(original(), folder / "source", append("trf_embedding", "embedding"))
    edit(path, append("trf_attributes", "attributes"))
    edit(path, append("trf_vector", "vector"))
    return path, code


@pytest.fixture(scope="module")
def compiled(source: tuple[Path, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled pipeline, proved in a process that has no torch."""
    path, code = source
    out = tmp_path_factory.mktemp("compiled") / "out"
    compile_pipeline(str(path), out, code=code)
    return out


def test_readers_are_compiled_and_verified(source: tuple[Path, list[Path]], compiled: Path, tmp_path: Path) -> None:
    path, _ = source
    texts = write(tmp_path / "texts.jsonl", "\n".join(json.dumps({"text": text}) for text in TEXTS))
    report = verify(str(path), str(compiled), texts, on_step=lambda *step: None)
    assert report.documents == len(TEXTS)
    assert {row.component: row.agreement for row in report.components if row.component in ("embedding", "attributes")}
    assert all(row.agreement in (None, 1.0) for row in report.components)
    nlp, then = load(compiled), spacy.load(path)
    restored = spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for text in (*TEXTS, " ".join(TEXTS * 3)):
        first, second = cast("Any", then(text)), cast("Any", nlp(text))
        other = cast("Any", restored(text))
        assert np.array_equal(other._.trf_data.tensors[1], second._.trf_data.tensors[1])
        assert np.allclose(first.vector, second.vector, atol=1e-4)
        assert np.allclose(first._.trf_data.tensors[-1], second._.trf_data.model_output.pooler_output, atol=1e-4)
        assert np.allclose(first[1:3].vector, second[1:3].vector, atol=1e-4)
        assert abs(first.similarity(first[:2]) - second.similarity(second[:2])) < 1e-4
        assert [ent._.trf_norm for ent in first.ents] == [ent._.trf_norm for ent in second.ents]
        for hooks in (second.user_hooks, second.user_token_hooks, second.user_span_hooks):
            hooks.clear()
        copy = Doc(nlp.vocab).from_bytes(second.to_bytes())
        assert np.array_equal(copy._.trf_data.tensors[1], second._.trf_data.tensors[1])


def test_the_doc_cleaner_frees_the_hidden_states(source: tuple[Path, list[Path]], tmp_path: Path) -> None:
    """At int8, numbers that come from the hidden states differ as those of models do."""
    path, code = source
    nlp = spacy.load(path)
    nlp.add_pipe("doc_cleaner", config={"attrs": {"tensor": None, "_.trf_data": None}})
    nlp.to_disk(tmp_path / "source")
    compile_pipeline(str(tmp_path / "source"), tmp_path / "out", code=code, precision="int8")
    doc = load(tmp_path / "out")(TEXTS[0])
    assert doc._.trf_data is None
    assert get_encoding(doc) is None
    assert doc.ents
    assert np.any(doc.user_data["vector"])


def test_a_compiled_component_does_not_read_an_original_transformer(
    original: Callable[..., Path], tmp_path: Path
) -> None:
    compile_pipeline(original(), tmp_path / "out")
    nlp = spacy.load(original())
    nlp.remove_pipe("ner")
    nlp.add_pipe("ner", source=load(tmp_path / "out"))
    with pytest.raises(EncoderError, match="follows a transformer that is not compiled"):
        nlp(TEXTS[0])


def test_an_output_that_is_not_compiled_is_refused(original: Callable[..., Path], tmp_path: Path) -> None:
    code = component(tmp_path / "trf_hidden.py", "doc.tensor = doc._.trf_data.tensors[-1][0] if len(doc) else None")
    nlp = spacy.load(original())
    transformer: Any = nlp.get_pipe("transformer")
    transformer.model.transformer.config.output_hidden_states = True
    nlp.to_disk(tmp_path / "source")
    path = edit(tmp_path / "source", append("trf_hidden", "hidden"))
    with pytest.raises(CompileError, match="component 'hidden' raises MissingOutputError") as caught:
        compile_pipeline(str(path), tmp_path / "out", code=[code])
    assert "'hidden_states'" in caught.value.message
    assert "last_hidden_state" in caught.value.remedy
    assert "remedy" not in caught.value.message


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_component_that_reads_padding_is_refused(
    original: Callable[..., Path], tmp_path: Path, precision: Any
) -> None:
    name = f"trf_unmasked_{precision}"
    body = "doc.user_data['mean'] = float(doc._.trf_data.tensors[0][..., 0].mean()) if len(doc) else 0.0"
    path = changed(original(), tmp_path / "source", append(name, "unmasked"))
    code = component(tmp_path / f"{name}.py", body)
    with pytest.raises(CompileError, match="component 'unmasked' reads the padding") as caught:
        compile_pipeline(str(path), tmp_path / "out", code=[code], precision=precision)
    assert "attention_mask" in caught.value.remedy


SETTER = """
import numpy as np
import spacy
from spacy.tokens import Doc

Doc.set_extension("trf_means", default=None, force=True)

@spacy.registry.annotation_setters("trf_means.v1")
def configure(scale: float):
    def set_means(docs, batch):
        for doc, spans, data in zip(docs, batch.spans, batch.doc_data):
            assert doc._.trf_data is data
            means = [float(data.tensors[0][number, 0].mean()) * scale for number in range(len(spans))]
            doc._.trf_means = [[span.text for span in spans], means]
            doc.user_data["n"] = [len(batch.wordpieces), int(batch.align.lengths.sum()), len(batch.tokens["input_ids"])]
    return set_means
"""


def test_annotation_setters_run_in_the_function(original: Callable[..., Path], tmp_path: Path) -> None:
    code = write(tmp_path / "trf_setter.py", SETTER)
    path = changed(
        original(),
        tmp_path / "source",
        lambda config: config["components"]["transformer"].update(
            set_extra_annotations={"@annotation_setters": "trf_means.v1", "scale": 100.0}
        ),
    )
    compile_pipeline(str(path), tmp_path / "out", code=[code])
    nlp = load(tmp_path / "out")
    for doc in (nlp(TEXTS[0]), *nlp.pipe([TEXTS[0]] * 2)):
        assert doc._.trf_means[0] == [doc.text]
        assert any(doc._.trf_means[1])


def test_an_annotation_setter_that_needs_torch_is_refused(original: Callable[..., Path], tmp_path: Path) -> None:
    code = write(tmp_path / "trf_torch.py", SETTER.replace("import spacy\n", "import spacy\nimport torch\n", 1))
    path = changed(
        original(),
        tmp_path / "source",
        lambda config: config["components"]["transformer"].update(
            set_extra_annotations={"@annotation_setters": "trf_means.v1", "scale": 1.0}
        ),
    )
    with pytest.raises(CompileError, match="torch"):
        compile_pipeline(str(path), tmp_path / "out", code=[code])
