"""The architectures of transformers whose graph is written by hand, by their ``model_type``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from spacy_lambda.compiler.graphs.albert import read_albert_weights
from spacy_lambda.compiler.graphs.bert import PLAIN_POSITIONS, ROBERTA_POSITIONS, is_plain_encoder, read_bert_weights
from spacy_lambda.compiler.graphs.deberta import is_plain_deberta, read_deberta_v2_weights, read_deberta_weights
from spacy_lambda.compiler.graphs.distilbert import is_plain_distilbert, read_distilbert_weights
from spacy_lambda.compiler.graphs.modernbert import is_plain_modernbert, read_modernbert_weights
from spacy_lambda.compiler.graphs.mpnet import read_mpnet_weights
from spacy_lambda.compiler.graphs.weights import EncoderWeights

__all__ = ["ARCHITECTURES", "Architecture", "Reader", "find_reader"]

Reader = Callable[[Any], EncoderWeights]
"""A ``PreTrainedModel`` -> its weights."""


class Architecture(NamedTuple):
    """An architecture's reader, and whether the graph computes a model with a given config."""

    read: Reader
    supports: Callable[[Any], bool] = is_plain_encoder


ARCHITECTURES: dict[str, Architecture] = {
    **dict.fromkeys((*PLAIN_POSITIONS, *ROBERTA_POSITIONS), Architecture(read_bert_weights)),
    "albert": Architecture(read_albert_weights),
    "deberta": Architecture(read_deberta_weights, is_plain_deberta),
    "deberta-v2": Architecture(read_deberta_v2_weights, is_plain_deberta),
    "distilbert": Architecture(read_distilbert_weights, is_plain_distilbert),
    "modernbert": Architecture(read_modernbert_weights, is_plain_modernbert),
    "mpnet": Architecture(read_mpnet_weights),
}


def find_reader(config: Any) -> Reader | None:
    """Return the reader of a model's weights, or ``None`` if its graph must be traced.

    :param config: The model's ``PretrainedConfig``.
    """
    architecture = ARCHITECTURES.get(config.model_type)
    return architecture.read if architecture and architecture.supports(config) else None
