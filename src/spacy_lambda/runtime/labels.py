"""Labels of a pipeline's entities."""

from __future__ import annotations

from spacy.language import Language

__all__ = ["entity_labels"]

COMPONENTS = ("ner", "entity_ruler", "beam_ner")


def entity_labels(nlp: Language) -> list[str]:
    """Return every label that an entity can have, sorted; empty if a component does not list them."""
    return sorted({label for name in COMPONENTS for label in nlp.pipe_labels.get(name, ())})
