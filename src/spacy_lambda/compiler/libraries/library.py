"""A library of transformers for spaCy, as far as the compiler depends on it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from thinc.api import Model

from spacy_lambda.compiler.libraries.part import TransformerPart
from spacy_lambda.compiler.libraries.private import PrivateTransformers

__all__ = ["Library", "Reason", "custom_functions"]

Reason = tuple[str, str]
"""The reason why a pipeline cannot be compiled, and its remedy."""


@dataclass(frozen=True)
class Library:
    """One library.

    :param package: Its module.
    :param factory: The factory of its transformer component.
    :param config_reasons: Reads a transformer's name, its model's section and the section's path in the config, and
        yields what cannot be compiled.
    :param model_reasons: Reads a component's name and the loaded component, and yields what cannot be compiled.
    :param part: Returns a component that has no such reason, from its name, its config and the loaded component.
    :param names: The names in its listeners' configs, and the names that replace them in the compiled pipeline.
    :param listeners: The names that are those of listeners.
    :param listener_layers: Returns the layers of a listener, given the layer; ``None`` for any other layer.
    :param private: Its transformers within the models of other components.
    """

    package: str
    factory: str
    config_reasons: Callable[[str, Mapping[str, Any], str], Iterator[Reason]]
    model_reasons: Callable[[str, Any], Iterator[Reason]]
    part: Callable[[str, Mapping[str, Any], Any], TransformerPart]
    names: Mapping[str, str]
    listeners: frozenset[str]
    listener_layers: Callable[[Model[Any, Any]], tuple[Model[Any, Any], ...] | None]
    private: PrivateTransformers

    @property
    def distribution(self) -> str:
        """Its name for pip."""
        return self.package.replace("_", "-")


def custom_functions(model: Model[Any, Any], package: str, *, called: Container[str] = ()) -> list[str]:
    """Return the names of the functions that a library's model runs and that are not the library's own.

    The compiled component does what the library's functions do; one that custom code has put in their place would be
    left out silently.

    :param model: The model of a transformer component.
    :param package: The library's module.
    :param called: Attributes of the model whose functions the compiled component calls too.
    """
    found = [node._func for node in model.walk()]
    found += [
        value
        for node in model.walk()
        for key, value in node.attrs.items()
        if key not in called and inspect.isroutine(value)
    ]
    homes = (package, "thinc")
    custom = [function for function in found if getattr(function, "__module__", "").partition(".")[0] not in homes]
    return sorted({f"{function.__module__}.{getattr(function, '__qualname__', function)}" for function in custom})
