"""A loaded pipeline: its config as spaCy resolves it, and the parts of its models that the config does not show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spacy.language import Language
from spacy.util import registry as registry_of_spacy
from thinc.api import Config, Model

from spacy_lambda.compiler.libraries import LIBRARIES, Library, Reason, library_of
from spacy_lambda.compiler.private_places import models_of, private_layers, private_sections
from spacy_lambda.packages.torch_packages import TORCH_MODULES
from spacy_lambda.pipeline.config_file import blocks, nodes, registered_names

__all__ = ["has_model", "loaded_config", "model_reasons", "unregistered", "used_components"]

LISTENERS = frozenset[str]().union(*(library.listeners for library in LIBRARIES))


def loaded_config(nlp: Language) -> Config:
    """Return the config of a loaded pipeline: with defaults and sourced components, without variables."""
    config = nlp.config.interpolate()
    config["components"] = used_components(config)
    return config


def unregistered(config: Mapping[str, Any]) -> list[str]:
    """Return the names in a config that are not registered here, each with its registry."""
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
    """Return the components that spaCy creates; it ignores the others."""
    used = config["nlp"]["pipeline"]
    return {name: part for name, part in config.get("components", {}).items() if name in used}


def model_reasons(nlp: Language, components: Mapping[str, Any]) -> Iterator[Reason]:
    """Yield the reasons why components cannot be compiled, by the layers of their models.

    :param components: Their configs, resolved.
    """
    yield from _listener_reasons(nlp, components)
    for name, component in nlp.components:
        config = components.get(name, {})
        if library_of(config) is not None:
            continue
        if _is_of_torch(component):
            yield (
                f"component {name!r} is a {type(component).__qualname__} of {type(component).__module__}",
                f"train it with one of the factories {' and '.join(library.factory for library in LIBRARIES)}",
            )
            continue
        layers = [layer for model in models_of(component) for layer in model.walk()]
        private = private_layers(component)
        within = {id(layer) for library, one in private for layer in library.private.inner(one)}
        layers = [layer for layer in layers if id(layer) not in within]
        yield from _private_reasons(name, config, private)
        listeners = [found for layer in layers if (found := _listener_of(layer)) is not None]
        if len(listeners) > _shown_listeners(config):
            names = " or ".join(dict.fromkeys(one for library, _ in listeners for one in sorted(library.listeners)))
            yield (
                f"component {name!r} listens to a transformer through a layer that its config does not show",
                f"name {names} in the config of {name!r}, rather than in a function of your own",
            )
        replaced = {id(layer) for _, found in listeners for layer in found}
        others = {layer.name for layer in layers if id(layer) not in replaced and _runs_torch(layer)}
        if others:
            yield (
                f"component {name!r} has layers that run torch: {', '.join(sorted(others))}",
                f"train {name!r} with a shared transformer and a listener: {' or '.join(sorted(LISTENERS))}",
            )


def _listener_reasons(nlp: Language, components: Mapping[str, Any]) -> Iterator[Reason]:
    """Yield the components that fail in the original: they read the other library's output, the last one on the Doc."""
    last: tuple[str, Library] | None = None
    for name, component in nlp.pipeline:
        library = library_of(components.get(name, {}))
        if library is not None:
            last = name, library
            continue
        layers = [layer for model in models_of(component) for layer in model.walk()]
        for own in LIBRARIES:
            listens = any(own.listener_layers(layer) is not None for layer in layers)
            if listens and last is not None and last[1] is not own:
                yield (
                    f"component {name!r} listens to a transformer of {own.distribution}, and the last one before it,"
                    f" {last[0]!r}, is of {last[1].distribution}",
                    f"move {name!r} directly behind its transformer, in the pipeline of config.cfg",
                )


def _private_reasons(
    name: str, config: Mapping[str, Any], layers: Sequence[tuple[Library, Model[Any, Any]]]
) -> Iterator[Reason]:
    sections = private_sections(config)
    if [library.package for library, *_ in sections] != [library.package for library, _ in layers]:
        yield (
            f"component {name!r} has {len(layers)} transformers of its own, and its config names {len(sections)}",
            f"name each of them in the config of {name!r}, rather than in a function of your own",
        )


def _shown_listeners(config: Mapping[str, Any]) -> int:
    """Return the number of listeners in a component's config, without those of its own transformers."""
    own = {id(inner) for *_, section in private_sections(config) for inner in nodes(section)}
    return sum(one.get("@architectures") in LISTENERS for one in nodes(config) if id(one) not in own)


def has_model(component: Any) -> bool:
    """Return whether a component has layers, that is, is trained."""
    return any(True for _ in models_of(component))


def _listener_of(layer: Model[Any, Any]) -> tuple[Library, tuple[Model[Any, Any], ...]] | None:
    """Return the library of a listener, and the listener's layers; ``None`` for any other layer."""
    found = ((library, library.listener_layers(layer)) for library in LIBRARIES)
    return next(((library, layers) for library, layers in found if layers is not None), None)


def _runs_torch(layer: Model[Any, Any]) -> bool:
    return bool(layer.shims) or _is_of_torch(layer)


def _is_of_torch(thing: Any) -> bool:
    return type(thing).__module__.partition(".")[0] in TORCH_MODULES
