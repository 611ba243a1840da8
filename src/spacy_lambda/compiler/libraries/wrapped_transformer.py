"""``WrappedTransformerAndListener`` of spacy-curated-transformers, as ``nlp.replace_listeners`` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from spacy.vocab import Vocab
from thinc.api import Model

from spacy_lambda.compiler.libraries.private import PrivateTransformers
from spacy_lambda.runtime.curated.wrapped_transformer import wrap_transformer
from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = ["WrappedTransformers"]

LISTENER = "wrapped_listener"


class WrappedTransformers(PrivateTransformers):
    """Transformers with their only listener.

    :param models: Architectures of transformers.
    """

    def __init__(self, models: tuple[str, ...]) -> None:
        self._models = models

    def is_section(self, section: Mapping[str, Any]) -> bool:
        """Return whether it is a transformer with a listener."""
        return section.get("@architectures") in self._models and isinstance(section.get(LISTENER), Mapping)

    def is_layer(self, layer: Model[Any, Any]) -> bool:
        """Return whether it is of the library's class."""
        module = type(layer).__module__
        return type(layer).__name__ == "WrappedTransformerAndListener" and module.startswith(
            "spacy_curated_transformers."
        )

    def inner(self, layer: Model[Any, Any]) -> list[Model[Any, Any]]:
        """Return all layers: the listener's are compiled as other listeners' are."""
        return list(layer.walk())

    def component(self, layer: Model[Any, Any], vocab: Vocab, name: str) -> Any:
        """Return a ``CuratedTransformer`` that gives the layers that the listener needs."""
        transformer, listener = layer.layers
        all_layers = listener.attrs["_REQUIRES_ALL_LAYER_OUTPUTS"]
        # Python 3.14 has no release of the library.
        library = import_module("spacy_curated_transformers.pipeline.transformer")
        return library.CuratedTransformer(vocab, transformer, name=name, all_layer_outputs=all_layers)

    def compiled_layer(self, layer: Model[Any, Any], transformer: CompiledTransformer) -> Model[Any, Any]:
        """Return a layer with the original's listener, whose weights the function's listener reads."""
        return wrap_transformer(transformer, layer.layers[1])

    def compiled_section(self, section: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return a section with the same listener, whose names are replaced as other listeners' are."""
        return {
            "@architectures": "spacy_lambda.CuratedWrappedTransformer.v1",
            **settings,
            LISTENER: section[LISTENER],
        }
