"""A pipeline with a component for every part of an answer, and functions that serve it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spacy_lambda.local import FunctionSettings, LocalLambda
from tests.aws_variables import without_aws_variables

WORDS = ["Iron", "rusts", ".", "Films", "of", "zinc", "shine", "."]
GOLD = {
    "words": WORDS,
    "spaces": [True, False, True, True, True, True, False, False],
    "tags": ["NN", "VB", ".", "NN", "IN", "NN", "VB", "."],
    "pos": ["NOUN", "VERB", "PUNCT", "NOUN", "ADP", "NOUN", "VERB", "PUNCT"],
    "morphs": ["Number=Sing", "Tense=Pres", "", "Number=Plur", "", "Number=Sing", "Tense=Pres", ""],
    "lemmas": ["iron", "rust", ".", "film", "of", "zinc", "shine", "."],
    "heads": [1, 1, 1, 6, 3, 4, 6, 6],
    "deps": ["nsubj", "ROOT", "punct", "nsubj", "prep", "pobj", "ROOT", "punct"],
    "entities": ["U-METAL", "O", "O", "O", "O", "U-METAL", "O", "O"],
    "cats": {"METALS": 1.0, "OTHER": 0.0},
    "spans": {"sc": [(0, 4, "METAL"), (21, 25, "METAL")]},
}

SETTINGS: dict[str, dict[str, Any]] = {"parser": {"min_action_freq": 1}, "spancat": {"threshold": 0.2}}


@pytest.fixture(scope="session")
def nlp() -> Language:
    """A pipeline with little training: its annotations are of every kind, and often wrong."""
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 16, "depth": 1, "embed_size": 50}
    model |= {"window_size": 1, "maxout_pieces": 2, "subword_features": True, "pretrained_vectors": None}
    nlp.add_pipe("tok2vec", config={"model": model})
    for name in ("tagger", "morphologizer", "trainable_lemmatizer", "parser", "ner", "spancat", "textcat"):
        nlp.add_pipe(name, config=SETTINGS.get(name, {}))
    example = Example.from_dict(spacy.blank("en")("Iron rusts. Films of zinc shine."), GOLD)
    optimizer = nlp.initialize(lambda: [example])
    for _ in range(15):
        nlp.update([example], sgd=optimizer)
    return nlp


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "METAL", "pattern": "iron"}])  # type: ignore[attr-defined]
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="session")
def local(pipeline: Path) -> Iterator[LocalLambda]:
    """A function that all tests share; they must not break it."""
    with LocalLambda(FunctionSettings(pipeline=pipeline, max_concurrency=2)) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    without_aws_variables(monkeypatch)
