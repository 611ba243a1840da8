"""The registry that has the tokenizers of other languages by their names alone."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import pytest
import spacy

from spacy_lambda.runtime.registrations import STAND_INS, populate_registry

LANGUAGES = sorted(STAND_INS)
PROGRAM = """
import json, sys
from pathlib import Path
from spacy_lambda.runtime.spacy_load import load_language
loaded = load_language(Path(sys.argv[1]))
languages = [name for name in sys.modules if name.startswith("spacy.lang.") and name.count(".") == 2]
import spacy
chinese = spacy.blank("zh")
names = {name: sorted(getattr(spacy.registry, name).get_all()) for name in spacy.registry.get_registry_names()}
vietnamese = spacy.registry.get("tokenizers", "spacy.vi.VietnameseTokenizer")(use_pyvi=False)(chinese)
print(json.dumps({
    "languages": languages,
    "names": names,
    "tokens": [token.text for token in chinese("铁和玻璃")],
    "config": chinese.config["nlp"]["tokenizer"],
    "vietnamese": [token.text for token in vietnamese("sắt và thủy tinh")],
    "again": [token.text for token in spacy.load(sys.argv[2])("铁和玻璃")],
    "loaded": [token.text for token in load_language(Path(sys.argv[2]))("铁和玻璃")],
}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a process has in which an English pipeline, and then others, were loaded."""
    folder = tmp_path_factory.mktemp("pipelines")
    for language in ("en", "zh"):
        spacy.blank(language).to_disk(folder / language)
    command = [sys.executable, "-c", PROGRAM, str(folder / "en"), str(folder / "zh")]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.slow
def test_no_other_language_is_imported(loaded: Any) -> None:
    assert not {name.rpartition(".")[2] for name in loaded["languages"]} & {*LANGUAGES}


@pytest.mark.slow
def test_the_same_names_are_registered(loaded: Any) -> None:
    for registry, names in loaded["names"].items():
        expected = getattr(spacy.util.registry, registry).get_all()
        assert {*of_spacy(names)} == {*of_spacy(expected)}, registry


def of_spacy(names: Iterable[str]) -> list[str]:
    """The names of spaCy itself: other tests may have registered more."""
    return [name for name in names if name.startswith("spacy.")]


def test_their_tokenizers_are_the_real_ones(loaded: Any) -> None:
    chinese = spacy.blank("zh")
    assert loaded["tokens"] == loaded["again"] == loaded["loaded"] == [token.text for token in chinese("铁和玻璃")]
    assert loaded["config"] == json.loads(json.dumps(chinese.config["nlp"]["tokenizer"]))
    assert loaded["vietnamese"] == ["sắt", "và", "thủy", "tinh"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stand_in_has_the_parameters_of_the_real_function(language: str) -> None:
    name, factory = STAND_INS[language]
    real = inspect.signature(getattr(import_module(f"spacy.lang.{language}"), name))
    own = inspect.signature(factory)
    assert [*own.parameters] == [*real.parameters]
    for parameter in own.parameters.values():
        expected = real.parameters[parameter.name].default
        assert parameter.default == getattr(expected, "value", expected)


def test_another_version_of_spacy(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that imports something else from a language is populated without stand-ins."""
    from spacy import registrations

    calls = []

    def populate() -> None:
        calls.append(sys.modules.get("spacy.lang.zh"))
        from spacy.lang.zh import create_chinese_tokenizer, something_new  # type: ignore[attr-defined]  # noqa: F401

    monkeypatch.delitem(sys.modules, "spacy.lang.zh", raising=False)
    monkeypatch.setattr(registrations, "populate_registry", populate)
    with pytest.raises(ImportError):
        populate_registry()
    assert len(calls) == 2
    assert calls[1] is not calls[0]
