"""Labels that a pipeline can predict, which tell a label that it does not know from one that it never finds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from spacy.language import Language

__all__ = ["PipelineLabels", "pipeline_labels"]

DECLARED = ("spacy", "spacy_transformers", "spacy_curated_transformers", "spacy_lambda")
"""Packages whose components declare what they set."""


@dataclass(frozen=True)
class PipelineLabels:
    """Labels of entities, or of a group of ``doc.spans``.

    :param is_predicted: False if no component sets them.
    :param labels: The labels; ``None`` if a component does not declare its labels.
    """

    is_predicted: bool
    labels: frozenset[str] | None

    def has(self, label: str) -> bool:
        """Return whether a label can be predicted."""
        return self.labels is None or label in self.labels


def pipeline_labels(nlp: Language, key: str | None) -> PipelineLabels:
    """Return the labels that the components of a pipeline can set.

    :param key: Key of ``doc.spans``; ``None`` for ``doc.ents``.
    """
    labels = set[str]()
    is_predicted, is_known = False, True
    for name, component in nlp.pipeline:
        assigns = list(nlp.get_pipe_meta(name).assigns)
        if not _sets(component, assigns, key):
            continue
        is_predicted = True
        if hasattr(component, "labels"):
            labels |= set(map(str, component.labels))
        else:
            is_known = False
    return PipelineLabels(is_predicted, frozenset(labels) if is_known else None)


def _sets(component: Callable[..., Any], assigns: Collection[str], key: str | None) -> bool:
    """Return whether a component sets the annotation, or may set it, because it does not declare what it sets."""
    module = getattr(component, "__module__", type(component).__module__)
    if not assigns and module.partition(".")[0] not in DECLARED:
        return True
    if key is None:
        return "doc.ents" in assigns or bool(getattr(component, "annotate_ents", False))
    own = getattr(component, "key", None) or getattr(component, "cfg", {}).get("spans_key")
    return "doc.spans" in assigns and own in (None, key)
