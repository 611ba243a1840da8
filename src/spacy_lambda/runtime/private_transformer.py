"""A transformer within the model of another component, as ``nlp.replace_listeners`` leaves it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self
from weakref import WeakKeyDictionary

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model
from thinc.shims.shim import Shim

from spacy_lambda.runtime.encoder_output import Encoding
from spacy_lambda.runtime.listener import each_token, no_backprop
from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = ["PrivateTransformer", "build_private_transformer", "find_transformers", "private_transformers"]

_found: WeakKeyDictionary[Language, tuple[list[int], list[CompiledTransformer]]] = WeakKeyDictionary()
"""The transformers of pipelines, with the components among which they were found."""


class PrivateTransformer(Shim):
    """A transformer that is saved with the model around it.

    :param transformer: The transformer, which is not in the pipeline. It leaves nothing on the Doc.
    """

    def __init__(self, transformer: CompiledTransformer) -> None:
        super().__init__(None)
        # What it keeps on a Doc between counting and encoding is not another one's.
        transformer.name = f"{transformer.name} {self.id}"
        self.transformer = transformer

    def __call__(self, inputs: list[Doc], is_train: bool) -> tuple[list[Encoding], Callable[[Any], Any]]:
        encodings = [encoding for _, encoding in self.transformer.encode_each(inputs)]
        return each_token(inputs, encodings), no_backprop

    def to_bytes(self) -> bytes:
        """Return the transformer's message."""
        return self.transformer.to_bytes()

    def from_bytes(self, data: bytes) -> Self:
        """Read what :meth:`to_bytes` returned."""
        self.transformer.from_bytes(data)
        return self


def build_private_transformer(name: str, transformer: CompiledTransformer) -> Model[list[Doc], list[Encoding]]:
    """Return a layer that encodes Docs.

    :param name: The layer's name.
    :param transformer: The transformer, whose encoder may be set later.
    """
    return Model(name, _encode, dims={"nO": transformer.width}, shims=[PrivateTransformer(transformer)])


def find_transformers(nlp: Language) -> Sequence[CompiledTransformer]:
    """Return the transformers of a pipeline: its components, and those within components' models.

    They are needed for every text, so the models are searched again only if the components have changed.
    """
    components = [component for _, component in nlp.pipeline]
    known = _found.get(nlp)
    if known is None or known[0] != [id(component) for component in components]:
        found = [transformer for component in components for transformer in _transformers_in(component)]
        _found[nlp] = known = ([id(component) for component in components], found)
    return known[1]


def private_transformers(model: Model[Any, Any]) -> Iterator[CompiledTransformer]:
    """Yield the transformers within a model."""
    shims = (shim for node in model.walk() for shim in node.shims)
    yield from (shim.transformer for shim in shims if isinstance(shim, PrivateTransformer))


def _transformers_in(component: Any) -> Iterator[CompiledTransformer]:
    if isinstance(component, CompiledTransformer):
        yield component
    model = getattr(component, "model", None)
    if isinstance(model, Model):
        yield from private_transformers(model)


def _encode(
    model: Model[list[Doc], list[Encoding]], docs: list[Doc], is_train: bool
) -> tuple[list[Encoding], Callable[[Any], Any]]:
    encodings: list[Encoding] = model.shims[0].predict(docs)
    return encodings, no_backprop
