"""The layer through which ner, tagger, textcat, ... read the encoder's hidden states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged

from spacy_lambda.errors import TrainingError
from spacy_lambda.runtime.encoder_output import Encoding, get_encoding

__all__ = ["build_onnx_listener_v1", "build_pool", "no_backprop"]


def build_onnx_listener_v1(
    pooling: Model[Ragged, Floats2d], grad_factor: float = 1.0, upstream: str = "*"
) -> Model[list[Doc], list[Floats2d]]:
    """Token vectors from the compiled transformer upstream.

    Takes the place of ``spacy-transformers.TransformerListener.v1`` with the same arguments and the same nodes
    (a chain of the listener and a pooling layer), so that a component's trained weights load unchanged.

    :param pooling: The layer that pools the hidden states of a token's wordpieces.
    :param grad_factor: Kept so that configs stay valid; a compiled pipeline is not trained.
    :param upstream: Kept in the same way: as in spacy-transformers, the last transformer that ran is used.
    """
    listener: Model[list[Doc], list[Encoding]] = Model("transformer-listener", _listen, dims={"nO": None})
    model: Model[list[Doc], list[Floats2d]] = chain(listener, build_pool(pooling, grad_factor))
    model.set_ref("listener", listener)
    return model


def build_pool(pooling: Model[Ragged, Floats2d], grad_factor: float) -> Model[list[Encoding], list[Floats2d]]:
    """Return the layer that turns encodings into token vectors."""
    return Model("trfs2arrays", _pool, layers=[pooling], attrs={"grad_factor": grad_factor})


def _listen(
    model: Model[list[Doc], list[Encoding]], docs: list[Doc], is_train: bool
) -> tuple[list[Encoding], Callable[[Any], Any]]:
    return [get_encoding(doc) or _zeros(len(doc), model.get_dim("nO")) for doc in docs], no_backprop


def _zeros(n_tokens: int, width: int) -> Encoding:
    """Return spacy-transformers' default for a Doc that no transformer has processed."""
    return Encoding(
        np.zeros((n_tokens, width), dtype=np.float32),
        np.arange(n_tokens, dtype=np.int32),
        np.ones(n_tokens, dtype=np.int32),
    )


def _pool(
    model: Model[list[Encoding], list[Floats2d]], encodings: list[Encoding], is_train: bool
) -> tuple[list[Floats2d], Callable[[Any], Any]]:
    pooling: Model[Ragged, Floats2d] = model.layers[0]
    filled = [encoding for encoding in encodings if len(encoding.lengths)]
    vectors: list[Floats2d] = []
    if filled:
        ragged = Ragged(
            np.concatenate([_gather(encoding) for encoding in filled]),  # type: ignore[arg-type]
            np.concatenate([_row_counts(encoding) for encoding in filled]),  # type: ignore[arg-type]
        )
        bounds = np.cumsum([len(encoding.lengths) for encoding in filled])[:-1]
        vectors = list(np.split(np.asarray(pooling.predict(ragged)), bounds))  # type: ignore[arg-type]
    rest = iter(vectors)
    empty: Floats2d = model.ops.alloc2f(0, 0)
    pooled = [next(rest) if len(enc.lengths) else empty for enc in encodings]
    return pooled, no_backprop


def _gather(encoding: Encoding) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    if len(encoding.rows):
        return encoding.hidden[encoding.rows]
    # No wordpiece at all (white space only): spacy-transformers gives each token one row of zeros.
    return np.zeros((len(encoding.lengths), encoding.hidden.shape[1]), dtype=np.float32)


def _row_counts(encoding: Encoding) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return encoding.lengths if len(encoding.rows) else np.ones_like(encoding.lengths)


def no_backprop(_: Any) -> Any:
    """Refuse to train, in the place of a layer's callback.

    :raises TrainingError: Always.
    """
    raise TrainingError(
        "a compiled pipeline cannot be trained", remedy="train the original, and compile it again: spacy-lambda compile"
    )
