"""Small annotated corpora, and a small transformer with random weights."""

from __future__ import annotations

from pathlib import Path

import spacy
from spacy.tokens import DocBin, Span

from tests.compiler.originals import ARCHITECTURES, LABELS, TEXTS, save_transformer

__all__ = ["TRAIN_TEXTS", "write_corpus", "write_transformer"]

TRAIN_TEXTS = (
    *TEXTS,
    "Iron and silicon fall into water.",
    "Heat moves in one hour.",
    "The glass is near a cold wall.",
    "Light grows near iron.",
)


def write_corpus(
    path: Path,
    texts: tuple[str, ...] = TRAIN_TEXTS,
    *,
    labels: dict[str, str] = LABELS,
    spans_key: str | None = None,
) -> Path:
    """Write texts whose words are annotated by their labels, as ``doc.ents`` or under a key of ``doc.spans``."""
    nlp = spacy.blank("xx")
    docs = []
    for text in texts:
        doc = nlp.make_doc(text)
        found = [Span(doc, one.i, one.i + 1, labels[one.lower_]) for one in doc if one.lower_ in labels]
        if spans_key is None:
            doc.set_ents(found)
        else:
            doc.spans[spans_key] = found
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)
    return path


def write_transformer(folder: Path) -> Path:
    """Write a random BERT of two layers and its tokenizer."""
    return save_transformer(ARCHITECTURES["bert"], folder)
