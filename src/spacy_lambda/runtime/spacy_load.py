"""``spacy.load`` of a folder, with the tokenizer's rules applied once.

spaCy first gives a pipeline its language's tokenizer, and then replaces all of its rules by those in the pipeline's
folder: 1,300 exceptions each time for English, a tenth of a cold start. Here the tokenizer begins without rules, unless
something may tokenize before the folder is read: callbacks, and components of other packages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# First, so that spaCy is imported without its command line.
from spacy_lambda.runtime.spacy_import import spacy  # isort: skip
from spacy.language import Language, create_tokenizer
from spacy.tokenizer import Tokenizer  # type: ignore[import-not-found]
from spacy.util import load_model_from_config, registry

from spacy_lambda.runtime.registrations import populate_registry

__all__ = ["load_language"]

SPACY_TOKENIZER = {"@tokenizers": "spacy.Tokenizer.v1"}
TOKENIZER = "spacy_lambda.TokenizerOfFolder.v1"
"""Only used while a pipeline is loaded: its config keeps spaCy's name."""

CALLBACKS = ("before_creation", "after_creation", "after_pipeline_creation")
KNOWN_PACKAGES = ("spacy", "spacy_lambda")
"""Packages whose components do not tokenize when they are created."""


def load_language(path: Path) -> Language:
    """Load a pipeline; the result is the same as from ``spacy.load``."""
    populate_registry()
    meta = spacy.util.get_model_meta(path)
    config = spacy.util.load_config(path / "config.cfg")
    section = config.get("nlp", {})
    if section.get("tokenizer") == SPACY_TOKENIZER and not any(section.get(name) for name in CALLBACKS):
        components: Mapping[str, Any] = config.get("components", {})
        factories = [component.get("factory", "") for component in components.values()]
        section["tokenizer"] = {"@tokenizers": TOKENIZER, "factories": factories}
    return load_model_from_config(config, meta=meta).from_disk(path)


def _create_tokenizer(factories: list[str]) -> Callable[[Language], Tokenizer]:
    """Return a factory of tokenizers, which are without rules if all components allow it.

    :param factories: Names of the components' factories.
    """

    def create(nlp: Language) -> Tokenizer:
        if nlp.__class__.__module__.startswith("spacy.") and all(_is_known(nlp, name) for name in factories):
            return Tokenizer(nlp.vocab)
        return create_tokenizer()(nlp)

    return create


def _is_known(nlp: Language, factory: str) -> bool:
    own_name = nlp.get_factory_name(factory)  # of the language
    for name in (own_name, factory):
        if name in registry.factories:
            return registry.factories.get(name).__module__.partition(".")[0] in KNOWN_PACKAGES
    return False


registry.tokenizers(TOKENIZER, func=_create_tokenizer)
