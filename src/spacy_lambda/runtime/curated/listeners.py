"""The layers through which ner, tagger, … read the hidden states of a compiled curated transformer.

They take the places of spacy-curated-transformers' listeners with the same arguments, nodes, attributes and references,
so that trained weights load unchanged. A Doc without wordpieces gives zeros, as in a batch with others in the original,
which fails on one alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model, deserialize_attr, serialize_attr
from thinc.types import Floats2d, Ragged

from spacy_lambda.errors import EncoderError
from spacy_lambda.runtime.curated.scalar_weight import Layers
from spacy_lambda.runtime.encoder_output import Encoding, encoding_for_listener
from spacy_lambda.runtime.listener import READS_EACH_TOKEN, each_token, no_backprop

__all__ = [
    "build_last_layer_listener_v1",
    "build_layers_listener_v1",
    "build_scalar_weighting_listener_v1",
    "detach_listener",
    "pass_encodings",
]

Pooling = Model[Ragged, Floats2d]
Vectors = list[Floats2d]
"""One row for each token, of each Doc."""


def build_last_layer_listener_v1(
    width: int, pooling: Pooling, upstream: str = "*", grad_factor: float = 1.0
) -> Model[list[Doc], Vectors]:
    """Token vectors from the last layer.

    :param width: Columns of the hidden states.
    :param pooling: The layer that pools the hidden states of a token's wordpieces.
    :param upstream: Kept so that configs stay valid; the last transformer that ran is used.
    :param grad_factor: Kept in the same way; a compiled pipeline is not trained.
    """
    return _listener(
        "last_transformer_layer_listener",
        _last_layer,
        width,
        layers=[_with_ragged_last_layer(pooling)],
        attrs={"grad_factor": grad_factor},
        refs={"pooling": pooling},
        upstream=upstream,
        needs_all_layers=False,
    )


def build_scalar_weighting_listener_v1(
    width: int,
    weighting: Model[list[Layers], list[Ragged]],
    pooling: Pooling,
    upstream: str = "*",
    grad_factor: float = 1.0,
) -> Model[list[Doc], Vectors]:
    """Token vectors from the weighted sum of all layers.

    :param weighting: The layer that adds them up.
    :param width: See :func:`build_last_layer_listener_v1`, as the others.
    """
    return _listener(
        "scalar_weighting_listener",
        _weighted_layers,
        width,
        layers=[weighting, _with_ragged_last_layer(pooling)],
        attrs={"grad_factor": grad_factor},
        refs={},
        upstream=upstream,
        needs_all_layers=True,
    )


def build_layers_listener_v1(
    layers: int, width: int, pooling: Pooling, upstream: str = "*", grad_factor: float = 1.0
) -> Model[list[Doc], list[Vectors]]:
    """Token vectors from each layer, the embeddings first.

    :param layers: Layers of the transformer, without the embeddings.
    :param width: See :func:`build_last_layer_listener_v1`, as the others.
    """
    return _listener(
        "transformer_layers_listener",
        _each_layer,
        width,
        layers=[_with_ragged_layers(pooling)],
        attrs={"grad_factor": grad_factor, "layers": layers + 1},
        refs={"pooling": pooling},
        upstream=upstream,
        needs_all_layers=True,
    )


class _ListenerState:
    """Encodings for the next Docs, where they do not come from the Docs; an empty value in files."""

    encodings: list[Encoding] | None = None


def detach_listener(listener: Model[list[Doc], Any]) -> None:
    """Let a listener read what :func:`pass_encodings` passes to it rather than what is on the Docs."""
    del listener.attrs["_TRANSFORMER_LISTENER"]
    listener.attrs["_USE_DOC_ANNOTATIONS_FOR_PREDICTION"] = False


def pass_encodings(listener: Model[list[Doc], Any], encodings: list[Encoding]) -> None:
    """Pass the encodings of the Docs that the listener gets next."""
    listener.attrs["_state"].encodings = encodings


def _encodings(listener: Model[list[Doc], Any], docs: Sequence[Doc]) -> Sequence[Encoding | None]:
    if listener.attrs["_USE_DOC_ANNOTATIONS_FOR_PREDICTION"]:
        encodings = [encoding_for_listener(doc) for doc in docs]
        return each_token(docs, encodings) if listener.attrs.get(READS_EACH_TOKEN) else encodings
    state = listener.attrs["_state"]
    passed: list[Encoding] = state.encodings
    state.encodings = None
    return passed


@serialize_attr.register(_ListenerState)
def _serialize_state(_: Any, value: _ListenerState, name: str, model: Model[Any, Any]) -> bytes:
    return b""


@deserialize_attr.register(_ListenerState)
def _deserialize_state(_: Any, value: bytes, name: str, model: Model[Any, Any]) -> _ListenerState:
    return _ListenerState()


def _listener(
    name: str,
    forward: Callable[..., Any],
    width: int,
    *,
    layers: list[Model[Any, Any]],
    attrs: dict[str, Any],
    refs: dict[str, Model[Any, Any] | None],
    upstream: str,
    needs_all_layers: bool,
) -> Model[Any, Any]:
    state = {
        "_upstream_name": upstream,
        "_TRANSFORMER_LISTENER": True,
        "_USE_DOC_ANNOTATIONS_FOR_PREDICTION": True,
        "_REQUIRES_ALL_LAYER_OUTPUTS": needs_all_layers,
        "_state": _ListenerState(),
    }
    return Model(name, forward, dims={"nO": width}, layers=layers, attrs={**attrs, **state}, refs=refs)


def _last_layer(
    model: Model[list[Doc], Vectors], docs: list[Doc], is_train: bool
) -> tuple[Vectors, Callable[[Any], Any]]:
    pooling: Model[list[Ragged], Vectors] = model.layers[0]

    def pool(encodings: list[Encoding]) -> Vectors:
        return pooling.predict([_ragged(encoding.hidden, encoding) for encoding in encodings])

    return _filled(model, docs, pool, lambda doc: _zeros(len(doc), model.get_dim("nO"))), no_backprop


def _weighted_layers(
    model: Model[list[Doc], Vectors], docs: list[Doc], is_train: bool
) -> tuple[Vectors, Callable[[Any], Any]]:
    weighting: Model[list[Layers], list[Ragged]] = model.layers[0]
    pooling: Model[list[Ragged], Vectors] = model.layers[1]

    def pool(encodings: list[Encoding]) -> Vectors:
        return pooling.predict(weighting.predict([_layers(encoding) for encoding in encodings]))

    return _filled(model, docs, pool, lambda doc: _zeros(len(doc), model.get_dim("nO"))), no_backprop


def _each_layer(
    model: Model[list[Doc], list[Vectors]], docs: list[Doc], is_train: bool
) -> tuple[list[Vectors], Callable[[Any], Any]]:
    pooling: Model[list[Layers], list[Vectors]] = model.layers[0]

    def pool(encodings: list[Encoding]) -> list[Vectors]:
        return pooling.predict([_layers(encoding) for encoding in encodings])

    def zeros(doc: Doc) -> Vectors:
        return [_zeros(len(doc), model.get_dim("nO")) for _ in range(model.attrs["layers"])]

    return _filled(model, docs, pool, zeros), no_backprop


def _filled(
    listener: Model[list[Doc], Any],
    docs: Sequence[Doc],
    pool: Callable[[list[Encoding]], list[Any]],
    zeros: Callable[[Doc], Any],
) -> list[Any]:
    """Return what ``pool`` gives for the Docs with wordpieces, and zeros for the others.

    So a Doc's vectors do not depend on the others in its batch.
    """
    encodings = _encodings(listener, docs)
    filled = [encoding for encoding in encodings if encoding is not None and len(encoding.rows)]
    pooled = iter(pool(filled) if filled else [])
    return [
        next(pooled) if encoding is not None and len(encoding.rows) else zeros(doc)
        for doc, encoding in zip(docs, encodings, strict=True)
    ]


def _with_ragged_last_layer(pooling: Pooling) -> Model[list[Ragged], Vectors]:
    return Model("with_ragged_last_layer", _pool_docs, layers=[pooling])


def _pool_docs(
    model: Model[list[Ragged], Vectors], docs: list[Ragged], is_train: bool
) -> tuple[Vectors, Callable[[Any], Any]]:
    pooling: Pooling = model.layers[0]
    return _pool(pooling, docs), no_backprop


def _with_ragged_layers(pooling: Pooling) -> Model[list[Layers], list[Vectors]]:
    return Model("with_ragged_layers", _pool_layers, layers=[pooling])


def _pool_layers(
    model: Model[list[Layers], list[Vectors]], docs: list[Layers], is_train: bool
) -> tuple[list[Vectors], Callable[[Any], Any]]:
    pooling: Pooling = model.layers[0]
    vectors = iter(_pool(pooling, [_ragged(layer, doc) for doc in docs for layer in doc.hidden]))
    return [[next(vectors) for _ in doc.hidden] for doc in docs], no_backprop


def _pool(pooling: Pooling, parts: list[Ragged]) -> Vectors:
    hidden: Any = np.concatenate([np.asarray(part.dataXd) for part in parts])
    lengths: Any = np.concatenate([np.asarray(part.lengths) for part in parts])
    bounds = np.cumsum([len(part.lengths) for part in parts])[:-1]
    return list(np.split(np.asarray(pooling.predict(Ragged(hidden, lengths))), bounds))  # type: ignore[arg-type]


def _ragged(hidden: Any, tokens: Encoding | Layers) -> Ragged:
    return Ragged(hidden, tokens.lengths)  # type: ignore[arg-type]


def _layers(encoding: Encoding) -> Layers:
    if encoding.layers is None:
        raise EncoderError(
            "a listener needs all layers of the transformer, which gives the last one only",
            remedy="set all_layer_outputs = true in the transformer of the original, and compile it again",
        )
    return Layers(encoding.layers, encoding.lengths)


def _zeros(n_tokens: int, width: int) -> Floats2d:
    return np.zeros((n_tokens, width), dtype=np.float32)  # type: ignore[return-value]
