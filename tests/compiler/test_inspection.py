"""Pipelines that cannot be compiled are refused with every reason at once, before anything is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import spacy
from thinc.api import Config

from spacy_lambda import load
from spacy_lambda.compiler.compile import compile_pipeline
from spacy_lambda.compiler.inspection import inspect_original
from spacy_lambda.compiler.library_errors import library_errors
from spacy_lambda.compiler.provenance import source_hash
from spacy_lambda.errors import CompileError, InvalidPipelineError, UnsupportedPipelineError
from tests.compiler.originals import TEXTS
from tests.compiler.pipelines import append, blank, unproved, wheel, write
from tests.compiler.pipelines import changed as edit_copy

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
    "a window of nothing": (
        {(*MODEL, "get_spans", "window"): 0},
        "component 'transformer' has window = 0",
        "set window in [components.transformer.model.get_spans]",
    ),
    "tokens between windows": (
        {(*MODEL, "get_spans", "stride"): 25},
        "component 'transformer' has a stride of 25 and windows of 24",
        "set stride in [components.transformer.model.get_spans] of its config.cfg to at most 24",
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


@pytest.mark.parametrize("setting", ["window", "stride"])
@pytest.mark.parametrize("value", [0, -1, 2.5, 24.0, True, None, "24", 10**12])
def test_windows_that_cannot_be_cut(original: Callable[..., Path], tmp_path: Path, setting: str, value: object) -> None:
    path = changed(original(), tmp_path, {(*MODEL, "get_spans", setting): value})
    with pytest.raises(UnsupportedPipelineError) as caught:
        inspect_original(path)
    assert f"component 'transformer' has {setting} = {json.dumps(value)}" in caught.value.message
    assert f"set {setting} in [components.transformer.model.get_spans]" in caught.value.remedy


def test_an_error_of_a_library_names_the_component(
    original: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def divide(*args: Any, **settings: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(onnx.helper, "make_model", divide)
    with pytest.raises(
        CompileError, match=r"component 'transformer' cannot be compiled .* ZeroDivisionError"
    ) as caught:
        compile_pipeline(str(original()), tmp_path / "out")
    assert "config.cfg" in caught.value.remedy


def test_a_failure_of_the_original_is_reported_as_its_own() -> None:
    nlp = spacy.blank("en")
    nlp.tokenizer = None
    with pytest.raises(CompileError, match="the original itself fails"), library_errors(nlp, "component 'x'"):
        raise KeyError("x")


def test_every_reason_is_reported_at_once(original: Callable[..., Path], tmp_path: Path) -> None:
    names = ("another model", "a window of nothing")
    changes = {key: value for name in names for key, value in REFUSED[name][0].items()}
    with pytest.raises(UnsupportedPipelineError) as caught:
        inspect_original(changed(original(), tmp_path, changes))
    assert len(caught.value.reasons) == 2
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
        inspect_original(tmp_path / "pipeline")
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


def variables(config: Any) -> None:
    """The transformer's windows, the listener's upstream and a factory as variables; a listener as a block."""
    config["vars"] = {"window": 24, "factory": "ner", "listener": config["components"]["ner"]["model"].pop("tok2vec")}
    config["components"]["transformer"]["model"]["get_spans"]["window"] = "${vars.window}"
    config["components"]["ner"]["factory"] = "${vars.factory}"
    config["components"]["ner"]["model"]["tok2vec"] = "${vars.listener}"


def whole_blocks(config: Any) -> None:
    """Whole models as blocks, one of which refers to another."""
    components = config["components"]
    config["vars"] = {"trf": components["transformer"]["model"], "ner": components["ner"]["model"]}
    components["transformer"]["model"], components["ner"]["model"] = "${vars.trf}", "${vars.ner}"


def of_another_component(config: Any) -> None:
    """A listener that refers to another component's."""
    config["components"]["tagger"]["model"]["tok2vec"] = "${components.ner.model.tok2vec}"


def nested(config: Any) -> None:
    """A listener inside a user's architecture, in positional arguments, and another one next to it."""
    listener = config["components"]["ner"]["model"]["tok2vec"]
    model = {
        "@architectures": "survey.First.v1",
        "*": {"first": listener, "second": {**listener, "upstream": "transformer"}},
    }
    config["components"]["ner"]["model"]["tok2vec"] = model


def left_over(config: Any) -> None:
    """A transformer and a listener that are in the config and not in the pipeline."""
    config["components"]["old"] = {**config["components"]["transformer"]}
    config["components"]["old_ner"] = {**config["components"]["ner"], "source": "${paths.train}"}


def disabled(config: Any) -> None:
    """A component that is there and does not run."""
    config["nlp"]["disabled"] = ["tagger"]


RESOLVED = {
    change.__name__: change for change in (variables, whole_blocks, of_another_component, nested, left_over, disabled)
}

ARCHITECTURES = """
from spacy.util import registry

@registry.architectures("survey.First.v1")
def first(*layers):
    return layers[0]

@registry.architectures("survey.Hidden.v1")
def hidden():
    listener = registry.architectures.get("spacy-transformers.TransformerListener.v1")
    return listener(registry.layers.get("reduce_mean.v1")(), upstream="*")
"""


@pytest.mark.parametrize(
    "shape", [pytest.param(name, marks=() if name == "nested" else pytest.mark.slow) for name in RESOLVED]
)
def test_a_config_is_read_as_spacy_resolves_it(original: Callable[..., Path], tmp_path: Path, shape: str) -> None:
    source = edit_copy(original(components=("ner", "tagger")), tmp_path / "source", RESOLVED[shape])
    code = write(tmp_path / "survey_architectures.py", ARCHITECTURES)
    meta = compile_pipeline(str(source), tmp_path / "out", code=[code], prove=unproved)
    assert meta.encoders["transformer"]["window"] == 24
    for name in ("config.cfg", "meta.json"):
        written = (tmp_path / "out" / name).read_text()
        assert "${" not in written
        assert "TransformerListener" not in written
    first, second = (load(folder)(TEXTS[0]) for folder in (source, tmp_path / "out"))
    assert [ent.label_ for ent in first.ents] == [ent.label_ for ent in second.ents] != []


TORCHY = """
import torch
from spacy.language import Language
from thinc.api import PyTorchWrapper

class Torchy:
    def __init__(self):
        self.parts = {"linear": PyTorchWrapper(torch.nn.Linear(2, 2))}

    def __call__(self, doc):
        return doc

@Language.factory("survey_torchy")
def make(nlp, name):
    return Torchy()
"""


def test_a_listener_that_a_config_does_not_show_is_found(original: Callable[..., Path], tmp_path: Path) -> None:
    def change(config: Any) -> None:
        config["components"]["ner"]["model"]["tok2vec"] = {"@architectures": "survey.Hidden.v1"}

    code = write(tmp_path / "survey_architectures.py", ARCHITECTURES)
    source = edit_copy(original(components=("ner", "tagger")), tmp_path / "source", change)
    with pytest.raises(UnsupportedPipelineError, match="'ner' listens to a transformer through a layer that its"):
        compile_pipeline(str(source), tmp_path / "out", code=[code])


def test_layers_that_run_torch_are_found(tmp_path: Path) -> None:
    code = write(tmp_path / "survey_torchy.py", TORCHY)
    source = blank(tmp_path / "source", change=append("survey_torchy"))
    with pytest.raises(UnsupportedPipelineError, match="component 'extra' has layers that run torch: pytorch"):
        compile_pipeline(str(source), tmp_path / "out", code=[code])


def test_a_compiled_pipeline_is_refused(original: Callable[..., Path], tmp_path: Path) -> None:
    """By its block in ``meta.json``, and by its factory where that block is gone."""
    compile_pipeline(str(original()), tmp_path / "once", prove=unproved)
    again = tmp_path / "again"
    load(tmp_path / "once").to_disk(again)
    meta = json.loads((again / "meta.json").read_text())
    (again / "meta.json").write_text(json.dumps({key: meta[key] for key in meta if key != "spacy_lambda"}))
    archive = wheel(tmp_path / "once.zip", tmp_path / "once")
    for source, what in (
        (tmp_path / "once", "xx_pipeline 0.0.0 at fp32"),
        (again, "another pipeline"),
        (archive, "at fp32"),
    ):
        with pytest.raises(CompileError, match="is compiled already") as caught:
            compile_pipeline(str(source), tmp_path / "out", precision="int8")
        assert what in caught.value.message
        assert "give the original" in caught.value.remedy
    compile_pipeline(str(blank(tmp_path / "plain")), tmp_path / "plain-once", prove=unproved)
    with pytest.raises(CompileError, match="is compiled already"):
        compile_pipeline(str(tmp_path / "plain-once"), tmp_path / "out")


def test_a_config_that_refers_to_nothing(original: Callable[..., Path], tmp_path: Path) -> None:
    def change(config: Any) -> None:
        config["components"]["transformer"]["model"]["get_spans"]["window"] = "${vars.nothing}"

    with pytest.raises(InvalidPipelineError, match="does not parse"):
        compile_pipeline(str(edit_copy(original(), tmp_path / "source", change)), tmp_path / "out")
