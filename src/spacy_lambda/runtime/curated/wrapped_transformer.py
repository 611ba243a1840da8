"""A transformer and its only listener in one model: ``WrappedTransformerAndListener`` of spacy-curated-transformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model

from spacy_lambda.runtime.curated.component import OnnxCuratedTransformer
from spacy_lambda.runtime.curated.listeners import detach_listener, pass_encodings
from spacy_lambda.runtime.encoder_output import Encoding
from spacy_lambda.runtime.listener import no_backprop
from spacy_lambda.runtime.private_transformer import build_private_transformer
from spacy_lambda.runtime.transformer import CompiledTransformer

__all__ = ["build_wrapped_transformer_v1", "wrap_transformer"]


def build_wrapped_transformer_v1(
    wrapped_listener: Model[list[Doc], Any],
    window: int,
    stride: int,
    max_length: int,
    width: int,
    all_layer_outputs: bool = False,
) -> Model[list[Doc], Any]:
    """Token vectors from a transformer of the component's own.

    Takes the place of the transformer architectures of spacy-curated-transformers where they have a
    ``wrapped_listener``. The encoder is saved with the component's weights.

    :param wrapped_listener: The listener, which reads this transformer only.
    :param window: See :func:`spacy_lambda.runtime.curated.factory.make_onnx_curated_transformer`, as the others.
    """
    transformer = OnnxCuratedTransformer(
        Vocab(),
        "wrapped_transformer",
        window=window,
        stride=stride,
        max_length=max_length,
        width=width,
        all_layer_outputs=all_layer_outputs,
    )
    detach_listener(wrapped_listener)
    return wrap_transformer(transformer, wrapped_listener)


def wrap_transformer(transformer: CompiledTransformer, listener: Model[list[Doc], Any]) -> Model[list[Doc], Any]:
    """Return a transformer and its only listener, which has been detached."""
    layers: list[Model[Any, Any]] = [build_private_transformer("transformer_model", transformer), listener]
    return Model("wrapped_transformer_and_listener", _forward, dims={"nO": transformer.width}, layers=layers)


def _forward(model: Model[list[Doc], Any], docs: list[Doc], is_train: bool) -> tuple[Any, Callable[[Any], Any]]:
    transformer: Model[list[Doc], list[Encoding]] = model.layers[0]
    listener: Model[list[Doc], Any] = model.layers[1]
    pass_encodings(listener, transformer.predict(docs))
    return listener.predict(docs), no_backprop
