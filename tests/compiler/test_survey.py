"""What cannot be compiled is refused with every reason at once, before anything is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from thinc.api import Config

from spacy_lambda.compiler.build import compile_pipeline
from spacy_lambda.compiler.survey import source_hash, survey
from spacy_lambda.errors import CompileError, UnsupportedPipelineError

Changes = dict[tuple[str, ...], Any]


def changed(original: Path, folder: Path, changes: Changes) -> Path:
    """A copy of a pipeline with some values of its config replaced."""
    path = folder / "changed"
    shutil.copytree(original, path)
    config = Config().from_disk(path / "config.cfg", interpolate=False)
    for keys, value in changes.items():
        section: Any = config
        for key in keys[:-1]:
            section = section.setdefault(key, {})
        section[keys[-1]] = value
    config.to_disk(path / "config.cfg")
    return path


MODEL = ("components", "transformer", "model")

REFUSED: dict[str, tuple[Changes, str, str]] = {
    "another model": (
        {(*MODEL, "@architectures"): "spacy-curated-transformers.XlmrTransformer.v1"},
        "has the model 'spacy-curated-transformers.XlmrTransformer.v1'",
        "spacy-transformers.TransformerModel.v3",
    ),
    "another span getter": (
        {(*MODEL, "get_spans"): {"@span_getters": "my.paragraphs.v1"}},
        "cuts texts with 'my.paragraphs.v1'",
        "spacy-transformers.strided_spans.v1",
    ),
    "extra annotations": (
        {("components", "transformer", "set_extra_annotations"): {"@annotation_setters": "my.setter.v1"}},
        "sets extra annotations with 'my.setter.v1'",
        "spacy-transformers.null_annotation_setter.v1",
    ),
    "a transformer inside a component": (
        {("components", "ner", "model", "tok2vec", "@architectures"): "spacy-transformers.Tok2VecTransformer.v3"},
        "component 'ner' has a transformer of its own",
        "with a shared `transformer` component",
    ),
    "a curated transformer": (
        {("components", "transformer", "factory"): "curated_transformer"},
        "component 'transformer' is a curated transformer",
        "with spacy-transformers' `transformer` factory",
    ),
}


@pytest.mark.parametrize(("changes", "reason", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(original: Callable[..., Path], tmp_path: Path, changes: Changes, reason: str, remedy: str) -> None:
    path = changed(original(), tmp_path, changes)
    with pytest.raises(UnsupportedPipelineError) as caught:
        compile_pipeline(str(path), tmp_path / "out")
    assert reason in caught.value.message
    assert remedy in caught.value.remedy
    assert [entry.name for entry in tmp_path.iterdir()] == ["changed"]


def test_every_reason_is_told_at_once(original: Callable[..., Path], tmp_path: Path) -> None:
    names = ("another span getter", "extra annotations", "a transformer inside a component")
    changes = {key: value for name in names for key, value in REFUSED[name][0].items()}
    with pytest.raises(UnsupportedPipelineError) as caught:
        survey(changed(original(), tmp_path, changes))
    assert len(caught.value.reasons) == 3
    for name in names:
        assert REFUSED[name][1] in caught.value.message
        assert REFUSED[name][2] in caught.value.remedy


def test_a_pipeline_that_does_not_load(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "pipeline")
    config = Config().from_disk(tmp_path / "pipeline" / "config.cfg")
    config["components"]["sentencizer"]["factory"] = "no_such_factory"
    config.to_disk(tmp_path / "pipeline" / "config.cfg")
    with pytest.raises(CompileError) as caught:
        survey(tmp_path / "pipeline")
    assert "factories 'no_such_factory'" in caught.value.message
    assert "--code FILE" in caught.value.remedy


def test_the_source_hash_sees_names_and_contents(tmp_path: Path) -> None:
    def build(name: str, files: dict[str, str]) -> str:
        for file, content in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return source_hash(tmp_path / name)

    first = build("first", {"a/b": "x", "c": "y"})
    assert build("same", {"c": "y", "a/b": "x"}) == first
    assert build("content", {"a/b": "x", "c": "z"}) != first
    assert build("name", {"a/b": "x", "d": "y"}) != first
    assert build("moved", {"a/b": "xy", "c": ""}) != first
