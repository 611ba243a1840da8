"""The model card of a wheel: what it shows, and that a pipeline's values are text in it."""

from __future__ import annotations

from typing import Any

from spacy_lambda.pipeline_wheel.card import package_card

META: dict[str, Any] = {
    "lang": "en",
    "name": "dishes",
    "version": "1.2.0",
    "description": "Dishes and\nwhat they are made of.",
    "license": "MIT",
    "pipeline": ["transformer", "ner"],
    "labels": {"transformer": [], "ner": ["DISH", "INGREDIENT"]},
    "requirements": ["spacy-lambda>=0.1.0"],
    "performance": {
        "ents_p": 0.75,
        "ents_r": 0.5,
        "ents_f": 0.6,
        "ents_per_type": {"DISH": {"p": 1.0, "r": 0.25, "f": 0.4}},
    },
    "training": {"base_model": "acme/tiny", "trained_with": ["spacy 3.8.18", "torch 2.13.0"]},
    "spacy_lambda": {
        "precision": "int8",
        "source_name": "en_dishes",
        "source_version": "1.2.0",
        "source_sha256": "ab" * 32,
    },
}
HOSTILE = "x](https://evil) <script>alert(1)</script> | `rm -rf` |\n\n# Title"


def test_it_has_labels_scores_provenance_and_the_users_sections() -> None:
    card = package_card(META, {"use": "Recipes in English.", "limitations": "Trained on *60* texts."})
    assert card.startswith("# en_dishes 1.2.0\n\nDishes and what they are made of.\n")
    for line in (
        "| labels of `ner` | `DISH`, `INGREDIENT` |",
        "| requires | `spacy-lambda>=0.1.0` |",
        "| DISH | 1.000 | 0.250 | 0.400 |",
        "| **all** | **0.750** | **0.500** | **0.600** |",
        "The ONNX encoder is int8, compiled from en_dishes 1.2.0 (SHA-256 abababababab…).",
        "| base model | acme/tiny |",
        "| trained with | spacy 3.8.18, torch 2.13.0 |",
        "Trained on *60* texts.",
        '`pip install en_dishes-1.2.0-py3-none-any.whl`, then `spacy.load("en_dishes")`.',
    ):
        assert line in card.splitlines(), line
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Intended use",
        "## Scores",
        "## Compiled",
        "## Training",
        "## Limitations",
        "## Install",
    ]


def test_a_pipeline_without_scores_and_sections_has_a_short_card() -> None:
    card = package_card({"lang": "xx", "name": "pipeline", "version": "0"})
    assert [line for line in card.splitlines() if line.startswith("## ")] == ["## Install"]


def test_a_label_that_the_pipeline_does_not_have_is_not_a_score_of_zero() -> None:
    zero = {"p": 0.0, "r": 0.0, "f": 0.0}
    scores = {"ents_per_type": {"DISH": zero, "TOOL": zero}, "cats_auc_per_type": {"DISH": 0.5}}
    lines = package_card({**META, "performance": scores}).splitlines()
    assert "| DISH | 0.000 | 0.000 | 0.000 |" in lines
    assert "| TOOL | not predicted | | |" in lines
    assert not any(line.startswith("| **all**") for line in lines)
    assert sum(line.startswith("| label |") for line in lines) == 1


def test_values_are_text() -> None:
    hostile = {
        **META,
        "license": HOSTILE,
        "author": HOSTILE,
        "pipeline": [HOSTILE],
        "labels": {HOSTILE: [HOSTILE]},
        "requirements": [HOSTILE],
        "sources": [{"name": HOSTILE, "author": HOSTILE}, HOSTILE],
        "performance": {"ents_per_type": {HOSTILE: {"p": HOSTILE}}},
        "training": {HOSTILE: HOSTILE},
    }
    card = package_card(hostile)
    outside_code = "".join(part for number, part in enumerate(card.split("`")) if number % 2 == 0)
    assert "](" not in outside_code.replace("\\]\\(", "")
    assert "<script" not in outside_code
    assert "\n# Title" not in card
    assert {line.count("|") for line in card.splitlines() if line.startswith("| labels of")} == {3}
