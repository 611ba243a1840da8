"""Loading with the tokenizer's rules applied once, compared with ``spacy.load``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.util import registry

from spacy_lambda.runtime.spacy_load import TOKENIZER, load_language

TEXT = "I don't know w/o it, he'll say 3km at 8a.m. (gonna) dunno-now."

seen: list[list[str]] = []
"""Tokens that components saw when they were created."""


def look(nlp: Language) -> Language:
    seen.append([token.text for token in nlp.make_doc("don't stop-it")])
    return nlp


@Language.factory("looks_at_tokens")
def make_looking(nlp: Language, name: str) -> object:
    look(nlp)
    return lambda doc: doc


registry.callbacks("looks_at_tokens.v1", func=lambda: look)


@pytest.fixture
def english() -> Language:
    """A pipeline whose tokenizer is not its language's."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GREETING", "pattern": "dunno-now"}])  # type: ignore[attr-defined]
    tokenizer: Any = nlp.tokenizer
    rules = {word: rule for word, rule in tokenizer.rules.items() if word != "don't"}
    tokenizer.rules = {**rules, "dunno-now": [{"ORTH": "dunno"}, {"ORTH": "-now", "NORM": "today"}]}
    tokenizer.suffix_search = None
    nlp.vocab.lookups.add_table("lexeme_norm", {"know": "known"})
    return nlp


def equal(folder: Path) -> Language:
    """Load a folder, and compare with what spaCy loads."""
    seen.clear()
    ours, theirs = load_language(folder), spacy.load(folder)
    assert type(ours.tokenizer) is type(theirs.tokenizer)
    assert ours.to_bytes() == theirs.to_bytes()
    assert (ours.config, ours.meta, ours.path) == (theirs.config, theirs.meta, theirs.path)
    assert sorted(lexeme.text for lexeme in ours.vocab) == sorted(lexeme.text for lexeme in theirs.vocab)
    assert [(token.text, token.norm_, token.lex.norm_) for token in ours(TEXT)] == [
        (token.text, token.norm_, token.lex.norm_) for token in theirs(TEXT)
    ]
    assert seen[::2] == seen[1::2]
    return ours


def test_the_rules_are_the_folders(english: Language, tmp_path: Path) -> None:
    english.to_disk(tmp_path)
    nlp = equal(tmp_path)
    tokenizer: Any = nlp.tokenizer
    assert "don't" not in tokenizer.rules
    assert nlp("dunno-now").ents[0].label_ == "GREETING"
    assert nlp.config["nlp"]["tokenizer"] == {"@tokenizers": "spacy.Tokenizer.v1"}


@pytest.mark.slow
def test_the_bundled_pipeline(bundled_path: Path) -> None:
    equal(bundled_path)


@pytest.mark.parametrize("lang", ["de", "zh", "xx"])
def test_other_languages(lang: str, tmp_path: Path) -> None:
    spacy.blank(lang).to_disk(tmp_path)
    equal(tmp_path)


def test_the_languages_rules_are_left_out(english: Language) -> None:
    create = registry.tokenizers.get(TOKENIZER)
    assert create(["entity_ruler", "onnx_transformer_v1"])(english).rules == {}
    for unknown in ("looks_at_tokens", "missing", ""):
        assert "don't" in create(["entity_ruler", unknown])(english).rules


def test_components_of_others_see_the_languages_rules(english: Language, tmp_path: Path) -> None:
    english.to_disk(tmp_path)
    config = (tmp_path / "config.cfg").read_text().replace('["entity_ruler"]', '["entity_ruler", "looks_at_tokens"]')
    (tmp_path / "config.cfg").write_text(config + '\n[components.looks_at_tokens]\nfactory = "looks_at_tokens"\n')
    equal(tmp_path)
    assert seen == [["do", "n't", "stop", "-", "it"]] * 2


@pytest.mark.parametrize("callback", ["after_creation", "after_pipeline_creation"])
def test_callbacks_see_the_languages_rules(callback: str, english: Language, tmp_path: Path) -> None:
    english.to_disk(tmp_path)
    config = (tmp_path / "config.cfg").read_text().replace(f"{callback} = null\n", "")
    (tmp_path / "config.cfg").write_text(config + f'\n[nlp.{callback}]\n@callbacks = "looks_at_tokens.v1"\n')
    equal(tmp_path)
    assert seen == [["do", "n't", "stop", "-", "it"]] * 2
