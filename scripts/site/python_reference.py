"""The public names -> sections whose signatures and docstrings mkdocstrings renders."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import spacy_lambda
from spacy_lambda import errors

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
NAMED = re.compile(r"^\| `(spacy_lambda\.[\w.]+)` \| (.*) \|$", re.MULTILINE)
GROUPS = {
    "Train and evaluate": ("convert", "ConversionOptions", "train_pipeline", "evaluate"),
    "Compile": ("compile_pipeline", "describe_pipeline", "verify", "load"),
    "Store": ("package_pipeline", "push", "pull"),
    "Bundle and deploy": ("bundle", "check", "estimate", "load_project"),
    "Run": ("serve", "LocalLambda", "Client"),
    "Corpus": ("annotate",),
}
"""Public names by stage; others follow in a group of their own."""


def public_names() -> str:
    """Return the sections of the names in ``spacy_lambda``, with directives of mkdocstrings."""
    return "\n".join(_lines())


def package_names() -> str:
    """Return a section for each package in the table of the page on Python."""
    return "\n".join(_package_lines())


def _lines() -> Iterator[str]:
    public = [name for name in spacy_lambda.__all__ if name != "__version__" and not hasattr(errors, name)]
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {**GROUPS, "Others": tuple(name for name in public if name not in grouped)}
    for group, names in groups.items():
        known = [name for name in names if name in public]
        if known:
            yield f"\n## {group}\n"
            yield from (f"::: {_home('spacy_lambda', name)}\n" for name in known)
    yield "\n## Errors\n"
    yield "::: spacy_lambda.errors.SpacyLambdaError\n"


def _package_lines() -> Iterator[str]:
    shown = {_home("spacy_lambda", name) for name in spacy_lambda.__all__ if name != "__version__"}
    for package, about in NAMED.findall(PAGE.read_text(encoding="utf-8")):
        yield f"\n## {package}\n\n{about[0].upper()}{about[1:]}.\n"
        for name in importlib.import_module(package).__all__:
            home = _home(package, name)
            if home not in shown:
                yield f"::: {home}\n"
            shown.add(home)


def _home(package: str, name: str) -> str:
    """Return the path of a name in the module that defines it."""
    value = getattr(importlib.import_module(package), name)
    if isinstance(value, type) or inspect.isfunction(value):
        return f"{value.__module__}.{value.__qualname__}"
    tree = ast.parse(inspect.getsource(importlib.import_module(package)))
    imported = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    module = next((node.module for node in imported if name in {one.name for one in node.names}), package)
    return f"{module}.{name}"
