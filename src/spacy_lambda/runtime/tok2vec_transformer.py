"""A transformer of a component's own: ``Tok2VecTransformer`` of spacy-transformers."""

from __future__ import annotations

from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model, chain
from thinc.types import Floats2d, Ragged

from spacy_lambda.runtime.component import OnnxTransformer, PaddingSide
from spacy_lambda.runtime.listener import build_pool
from spacy_lambda.runtime.private_transformer import build_private_transformer
from spacy_lambda.runtime.transformer import CompiledTransformer
from spacy_lambda.runtime.windows import CustomSpanGetter, SpanGetter

__all__ = ["build_onnx_tok2vec_transformer_v1", "pool_transformer"]


def build_onnx_tok2vec_transformer_v1(
    pooling: Model[Ragged, Floats2d],
    get_spans: SpanGetter | CustomSpanGetter,
    window: int,
    stride: int,
    max_length: int,
    width: int,
    grad_factor: float = 1.0,
    padding_side: PaddingSide = "right",
    split_special_tokens: bool = False,
) -> Model[list[Doc], list[Floats2d]]:
    """Token vectors from a transformer of the component's own.

    Takes the place of ``spacy-transformers.Tok2VecTransformer``. The encoder is saved with the component's weights.

    :param pooling: The layer that pools the hidden states of a token's wordpieces.
    :param get_spans: See :func:`spacy_lambda.runtime.component.make_onnx_transformer`, as the others.
    :param grad_factor: Kept so that configs stay valid; a compiled pipeline is not trained.
    """
    transformer = OnnxTransformer(
        Vocab(),
        "tok2vec_transformer",
        get_spans=get_spans,
        window=window,
        stride=stride,
        max_length=max_length,
        width=width,
        padding_side=padding_side,
        split_special_tokens=split_special_tokens,
    )
    return pool_transformer(transformer, pooling, grad_factor)


def pool_transformer(
    transformer: CompiledTransformer, pooling: Model[Ragged, Floats2d], grad_factor: float
) -> Model[list[Doc], list[Floats2d]]:
    """Return a transformer and the layer that pools its hidden states."""
    return chain(build_private_transformer("transformer", transformer), build_pool(pooling, grad_factor))
