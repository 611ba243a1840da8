"""The layer through which ner, tagger, textcat, ... read the encoder's hidden states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged

from spacy_lambda.errors import EncoderError, TrainingError
from spacy_lambda.runtime.encoder_output import Encoding, encoding_for_listener

__all__ = ["READS_EACH_TOKEN", "build_onnx_listener_v1", "build_pool", "each_token", "no_backprop", "read_each_token"]

LISTENER = "transformer-listener"
LISTENERS = (LISTENER, "last_transformer_layer_listener", "scalar_weighting_listener")
SHOWN = 60

READS_EACH_TOKEN = "reads_each_token"
"""Attribute of the listeners of components that read the vector of each token at its place."""

LAYERS_OF_TOKENS = ("parser_model", "extract_spans")
"""Layers that do so. Where a Doc has fewer vectors than tokens, they read the next Doc's, or past the last one."""


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
    listener: Model[list[Doc], list[Encoding]] = Model(LISTENER, _listen, dims={"nO": None})
    model: Model[list[Doc], list[Floats2d]] = chain(listener, build_pool(pooling, grad_factor))
    model.set_ref("listener", listener)
    return model


def build_pool(pooling: Model[Ragged, Floats2d], grad_factor: float) -> Model[list[Encoding], list[Floats2d]]:
    """Return the layer that turns encodings into token vectors."""
    return Model("trfs2arrays", _pool, layers=[pooling], attrs={"grad_factor": grad_factor})


def _listen(
    model: Model[list[Doc], list[Encoding]], docs: list[Doc], is_train: bool
) -> tuple[list[Encoding], Callable[[Any], Any]]:
    encodings = [encoding_for_listener(doc) or _zeros(len(doc), model.get_dim("nO")) for doc in docs]
    return each_token(docs, encodings) if model.attrs.get(READS_EACH_TOKEN) else encodings, no_backprop


Found = TypeVar("Found", Encoding, Encoding | None)


def read_each_token(model: Any) -> None:
    """Let the listeners of a model give one vector for each token, if layers behind them read them at their places."""
    layers = list(model.walk()) if isinstance(model, Model) else []
    if any(layer.name in LAYERS_OF_TOKENS for layer in layers):
        for layer in layers:
            if layer.name in LISTENERS:
                layer.attrs[READS_EACH_TOKEN] = True


def each_token(docs: Sequence[Doc], encodings: Sequence[Found]) -> list[Found]:
    """Return encodings without rows past the last token, which remain where a component has merged tokens since.

    spaCy reads such rows as the next Doc's first ones.

    :raises EncoderError: If a Doc has tokens without vectors behind its last one.
    """
    pairs = zip(docs, encodings, strict=True)
    return [encoding if encoding is None else _each_token(doc, encoding) for doc, encoding in pairs]


def _each_token(doc: Doc, encoding: Encoding) -> Encoding:
    found = len(encoding.lengths)
    if found < len(doc):
        raise EncoderError(
            f"the transformer's windows have {found} of the {len(doc)} tokens of the text {doc.text[:SHOWN]!r}",
            remedy="return spans from the first token to the last one in the function that is registered under"
            " span_getters, and split tokens before the transformer",
        )
    if found == len(doc):
        return encoding
    lengths = encoding.lengths[: len(doc)]
    n_rows = lengths.sum()
    cut = encoding._replace(lengths=lengths, rows=encoding.rows[:n_rows])
    if encoding.library != "curated":
        return cut
    layers = None if encoding.layers is None else encoding.layers[:, :n_rows]
    return cut._replace(hidden=encoding.hidden[:n_rows], layers=layers)


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
    # No wordpiece at all (whitespace only): spacy-transformers gives each token one row of zeros.
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
