"""The places of private transformers: sections of a config, and the layers of models that they define."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy.language import Language
from thinc.api import Model

from spacy_lambda.compiler.libraries import LIBRARIES, Library, library_of
from spacy_lambda.compiler.libraries.private import Place

__all__ = ["find_places", "models_of", "private_layers", "private_sections"]

Path = tuple[str | int, ...]


def private_sections(component: Mapping[str, Any]) -> list[tuple[Library, Path, dict[str, Any]]]:
    """Return the sections that define private transformers, each with its library and its keys.

    :param component: The component's config, resolved.
    """
    if library_of(component) is not None:
        return []
    return [
        (library, path, section)
        for path, section in _sections(component, ())
        for library in LIBRARIES
        if library.private.is_section(section)
    ]


def private_layers(component: Any) -> list[tuple[Library, Model[Any, Any]]]:
    """Return the layers that are private transformers, in the order of the component's models."""
    return [
        (library, layer)
        for model in models_of(component)
        for layer in model.walk()
        for library in LIBRARIES
        if library.private.is_layer(layer)
    ]


def find_places(nlp: Language, components: Mapping[str, Any]) -> Iterator[tuple[Library, Place, dict[str, Any]]]:
    """Yield the private transformers of a pipeline, each with its library and its section.

    Layers and sections are taken in the same order: where a component has several, their settings must be the same.

    :param components: The components' configs, resolved.
    """
    for name, component in nlp.components:
        sections, layers = private_sections(components.get(name, {})), private_layers(component)
        if [library for library, *_ in sections] == [library for library, _ in layers]:
            for (library, path, section), (_, layer) in zip(sections, layers, strict=True):
                yield library, Place(name, path, layer, library.private), section


def models_of(component: Any) -> Iterator[Model[Any, Any]]:
    """Yield the models of a component, under any attribute name."""
    found = {id(value): value for value in _values(component) if isinstance(value, Model)}
    yield from found.values()


def _values(component: Any) -> Iterator[Any]:
    yield getattr(component, "model", None)
    for value in getattr(component, "__dict__", {}).values():
        yield value
        if isinstance(value, Mapping):
            yield from value.values()
        elif isinstance(value, list | tuple):
            yield from value


def _sections(node: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
    if isinstance(node, dict | list | tuple):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _sections(value, (*path, key))
