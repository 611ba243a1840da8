"""Labels that a pipeline can predict, by what its components declare: their names and factories mean nothing.

They tell a label that the pipeline does not know from one that it never finds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spacy.language import Language

__all__ = ["PipelineLabels", "declares_entities", "entity_labels", "pipeline_labels"]

DECLARED = ("spacy", "spacy_transformers", "spacy_curated_transformers", "spacy_lambda")
"""Packages whose components declare all that they set, and list all of their labels; others may do neither."""


@dataclass(frozen=True)
class PipelineLabels:
    """Labels of entities, or of a group of ``doc.spans``.

    :param is_predicted: False if no component sets them.
    :param listed: The labels that components list.
    :param is_complete: False if a component may set labels that it does not list.
    """

    is_predicted: bool
    listed: frozenset[str]
    is_complete: bool

    def has(self, label: str) -> bool:
        """Return whether a label can be predicted."""
        return not self.is_complete or label in self.listed


def pipeline_labels(nlp: Language, key: str | None) -> PipelineLabels:
    """Return the labels that the components of a pipeline can set, those that are disabled left out.

    :param key: Key of ``doc.spans``; ``None`` for ``doc.ents``.
    """
    listed = set[str]()
    is_predicted, is_complete = False, True
    for name, component in nlp.pipeline:
        assigns, is_known = nlp.get_pipe_meta(name).assigns, _package(component) in DECLARED
        if not assigns and not is_known:
            is_predicted, is_complete = True, False
        elif _sets(component, assigns, key):
            labels = set(map(str, getattr(component, "labels", ())))
            is_predicted, is_complete = True, is_complete and (is_known or bool(labels))
            listed |= labels
    return PipelineLabels(is_predicted, frozenset(listed), is_complete)


def entity_labels(nlp: Language) -> list[str]:
    """Return the labels of entities that components list, sorted."""
    return sorted(pipeline_labels(nlp, None).listed)


def declares_entities(nlp: Language) -> bool:
    """Return whether a component declares that it sets ``doc.ents``."""
    return any(_sets(component, nlp.get_pipe_meta(name).assigns, None) for name, component in nlp.pipeline)


def _sets(component: Any, assigns: Iterable[str], key: str | None) -> bool:
    """Return whether a component declares that it sets the annotation."""
    if key is None:
        return "doc.ents" in assigns or bool(getattr(component, "annotate_ents", False))
    own = getattr(component, "key", None) or getattr(component, "cfg", {}).get("spans_key")
    return "doc.spans" in assigns and own in (None, key)


def _package(component: Any) -> str:
    module: str = getattr(component, "__module__", type(component).__module__)
    return module.partition(".")[0]
