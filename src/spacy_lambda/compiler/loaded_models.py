"""What a loaded pipeline's models hold that a config does not show: torch, and listeners made by functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy.language import Language
from thinc.api import Model

from spacy_lambda.packages.torch_packages import TORCH_MODULES
from spacy_lambda.pipeline.config_file import nodes

__all__ = ["LISTENER", "foreign_parts", "has_model"]

LISTENER = "spacy-transformers.TransformerListener.v1"
LISTENER_CLASS = "TransformerListener"

Reason = tuple[str, str]
"""What is in the way, and what to do about it."""


def foreign_parts(nlp: Language, components: Mapping[str, Any]) -> Iterator[Reason]:
    """Why components cannot be compiled, by the layers of their models.

    :param components: Their configs, resolved.
    """
    for name, component in nlp.components:
        config = components.get(name, {})
        if config.get("factory") == "transformer":
            continue
        if _is_from_torch_side(component):
            yield (
                f"component {name!r} is a {type(component).__qualname__} of {type(component).__module__}",
                "train it with spacy-transformers' `transformer` factory",
            )
            continue
        layers = [layer for model in _models(component) for layer in model.walk()]
        listeners = sum(type(layer).__name__ == LISTENER_CLASS and _is_from_torch_side(layer) for layer in layers)
        shown = sum(section.get("@architectures") == LISTENER for section in nodes(config))
        if listeners > shown:
            yield (
                f"component {name!r} listens to a transformer through a layer that its config does not show",
                f"name {LISTENER} in the config of {name!r}, rather than in a function of your own",
            )
        others = {layer.name for layer in layers if _runs_torch(layer)}
        if others:
            yield (
                f"component {name!r} has layers that run torch: {', '.join(sorted(others))}",
                f"train {name!r} with a shared `transformer` component and {LISTENER}",
            )


def has_model(component: Any) -> bool:
    """Whether a component has layers, that is, is trained."""
    return any(True for _ in _models(component))


def _models(component: Any) -> Iterator[Model[Any, Any]]:
    """The models of a component, whatever it calls them."""
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


def _runs_torch(layer: Model[Any, Any]) -> bool:
    if type(layer).__name__ == LISTENER_CLASS:
        return False
    return bool(layer.shims) or _is_from_torch_side(layer)


def _is_from_torch_side(thing: Any) -> bool:
    return type(thing).__module__.partition(".")[0] in TORCH_MODULES
