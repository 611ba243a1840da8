"""A pipeline's config as spaCy resolves it: with its variables filled in, and without components that it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacy.language import Language
from spacy.util import registry as registry_of_spacy
from thinc.api import Config

from spacy_lambda.pipeline.config_file import blocks, registered_names

__all__ = ["loaded_config", "unregistered", "used_components"]


def loaded_config(nlp: Language) -> Config:
    """The config of a loaded pipeline: with defaults, with what was sourced from other pipelines, without variables."""
    config = nlp.config.interpolate()
    config["components"] = used_components(config)
    return config


def unregistered(config: Mapping[str, Any]) -> list[str]:
    """What a pipeline needs of a config's names that nothing has registered, as a user reads them."""
    missing = []
    for block in blocks(config):
        for registry, name in registered_names(block):
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
