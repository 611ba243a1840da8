"""Pipelines of rules, and of components that annotate as a test says, compared without being compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_lambda.compiler.report import VerificationReport
from spacy_lambda.compiler.verification import compare


def quiet(step: str, done: int, total: int) -> None:
    """No progress."""


def rules(**labels: str) -> Language:
    """A pipeline that finds words."""
    nlp = spacy.blank("xx")
    patterns = [{"label": label, "pattern": word} for word, label in labels.items()]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)  # type: ignore[attr-defined]
    return nlp


def compare_rules(tmp_path: Path, first: Language, second: Language, docs: list[Doc]) -> VerificationReport:
    second.to_disk(tmp_path / "second")
    return compare(first, tmp_path / "second", docs, on_step=quiet)


@Language.component("annotates")
def annotates(doc: Doc) -> Doc:
    """Annotate a Doc in the way that belongs to the pipeline's language."""
    SAYS[doc.vocab.lang](doc)
    return doc


@Language.component("mute")
def mute(doc: Doc) -> Doc:
    """Annotate nothing."""
    return doc


SAYS: dict[str, Callable[[Doc], None]] = {}


def set_ents(doc: Doc, **changes: Any) -> None:
    doc.set_ents([Span(doc, 0, 1, **{"label": "MATERIAL", **changes})])


def set_user_data(doc: Doc, key: str, value: Any) -> None:
    doc.user_data[key] = value


def compare_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Callable[[Doc], None], second: Callable[[Doc], None]
) -> VerificationReport:
    original, compiled = spacy.blank("xx"), spacy.blank("sq")
    for nlp in (original, compiled):
        nlp.add_pipe("annotates")
        nlp.add_pipe("mute")
    monkeypatch.setitem(SAYS, "xx", lambda doc: first(doc) if doc.text.startswith("Iron") else None)
    monkeypatch.setitem(SAYS, "sq", lambda doc: second(doc) if doc.text.startswith("Iron") else None)
    # Languages without exceptions of their tokenizers, which take long to load, and without stop words in the texts.
    texts = ("Silent films glow", "Iron grows slowly", "")
    return compare_rules(tmp_path, original, compiled, [original.make_doc(text) for text in texts])
