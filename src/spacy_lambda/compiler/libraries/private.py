"""Transformers within the models of other components, as ``nlp.replace_listeners`` leaves them there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy.vocab import Vocab
from thinc.api import Model

from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = ["Place", "PrivateTransformers"]


class PrivateTransformers(ABC):
    """The private transformers of one library."""

    @abstractmethod
    def is_section(self, section: Mapping[str, Any]) -> bool:
        """Return whether a section of a config defines one."""

    @abstractmethod
    def is_layer(self, layer: Model[Any, Any]) -> bool:
        """Return whether a layer is what such a section defines."""

    @abstractmethod
    def inner(self, layer: Model[Any, Any]) -> list[Model[Any, Any]]:
        """Return the layers within it that the compiled layer does without, or has under names of its own."""

    @abstractmethod
    def component(self, layer: Model[Any, Any], vocab: Vocab, name: str) -> Any:
        """Return a component of the library that runs a layer's transformer."""

    @abstractmethod
    def compiled_layer(self, layer: Model[Any, Any], transformer: CompiledTransformer) -> Model[Any, Any]:
        """Return the layer that takes a layer's place."""

    @abstractmethod
    def compiled_section(self, section: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the section that takes a section's place.

        :param settings: The transformer's windows, and its width.
        """


@dataclass(frozen=True)
class Place:
    """The place of a private transformer.

    :param component: Name of the component.
    :param path: Keys of its section in the component's config.
    :param layer: Its layer in the component's model.
    :param transformers: Those of its library.
    """

    component: str
    path: tuple[str | int, ...]
    layer: Model[Any, Any]
    transformers: PrivateTransformers

    @property
    def name(self) -> str:
        """The path in the form of ``nlp.replace_listeners``, after the component's name."""
        return ".".join(map(str, (self.component, *self.path)))
