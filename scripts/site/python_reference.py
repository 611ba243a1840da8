"""The public names -> sections whose signatures and docstrings mkdocstrings renders."""

from __future__ import annotations

from collections.abc import Iterator

import spacy_lambda
from spacy_lambda import errors

GROUPS = {
    "Train and evaluate": ("convert", "train_pipeline", "evaluate"),
    "Compile": ("compile_pipeline", "describe_pipeline", "verify", "load"),
    "Store": ("package_pipeline", "push", "pull"),
    "Bundle and deploy": ("bundle", "load_project", "estimate"),
    "Run": ("serve", "LocalLambda", "Client"),
    "Corpus": ("annotate",),
}
"""Public names by stage; others follow in a group of their own."""


def public_names() -> str:
    """Return the sections, with directives of mkdocstrings."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    public = [name for name in spacy_lambda.__all__ if name != "__version__" and not hasattr(errors, name)]
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {**GROUPS, "Others": tuple(name for name in public if name not in grouped)}
    for group, names in groups.items():
        known = [name for name in names if name in public]
        if known:
            yield f"\n## {group}\n"
            yield from (f"::: {_home(name)}\n" for name in known)
    yield "\n## Errors\n"
    yield "::: spacy_lambda.errors.SpacyLambdaError\n"


def _home(name: str) -> str:
    value = getattr(spacy_lambda, name)
    return f"{value.__module__}.{value.__qualname__}"
