"""A pipeline's config as spaCy resolves it: with its variables filled in, and without components that it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy.language import Language
from spacy.util import registry as registry_of_spacy
from thinc.api import Config

__all__ = ["loaded_config", "nodes", "registered_names", "unregistered", "used_components"]


def loaded_config(nlp: Language) -> Config:
    """The config of a loaded pipeline: with defaults, with what was sourced from other pipelines, without variables."""
    config = nlp.config.interpolate()
    config["components"] = used_components(config)
    return config


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every section below a value, however deep, in lists too."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from nodes(value)


def registered_names(node: Any) -> Iterator[tuple[str, str]]:
    """Registries, and the names in them that a config refers to."""
    for section in nodes(node):
        for key, value in section.items():
            if key.startswith("@") and isinstance(value, str):
                yield key[1:], value
            elif key == "factory" and isinstance(value, str):
                yield "factories", value


def unregistered(config: Mapping[str, Any]) -> list[str]:
    """What a pipeline needs of a config's names that nothing has registered, as a user reads them."""
    missing = []
    for registry, name in registered_names([config.get("nlp", {}), config.get("components", {})]):
        if not _is_registered(registry, name, str(config.get("nlp", {}).get("lang"))):
            missing.append(f"{registry} {name!r}")
    return list(dict.fromkeys(missing))


def _is_registered(registry: str, name: str, lang: str) -> bool:
    names = (name, f"{lang}.{name}") if registry == "factories" else (name,)
    try:
        return any(registry_of_spacy.has(registry, one) for one in names)
    except Exception:  # a registry that spaCy does not know, or an entry point that cannot be imported
        return False


def used_components(config: Mapping[str, Any]) -> dict[str, Any]:
    """The components that spaCy creates; it does not look at the others."""
    used = config["nlp"]["pipeline"]
    return {name: part for name, part in config.get("components", {}).items() if name in used}
