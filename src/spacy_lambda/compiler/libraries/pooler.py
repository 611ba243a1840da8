"""The pooler of a model of transformers, found by comparing its output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spacy_lambda.runtime.trf_data.model_output import HIDDEN
from spacy_lambda.runtime.trf_data.pooler import POOLED, Pooler

__all__ = ["find_pooler"]

TOLERANCE = 1e-4


def find_pooler(model: Any, output: Mapping[str, Any]) -> Pooler | None:
    """Return the model's pooler, or ``None`` if it has none, or one that computes something else.

    :param output: An output of the model, with which the pooler's is compared.
    """
    layer = getattr(getattr(model, "pooler", None), "dense", getattr(model, "pooler", None))
    weight, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
    if POOLED not in output or weight is None or bias is None:
        return None
    pooler = Pooler(*(np.array(values.detach().cpu().numpy(), dtype=np.float32) for values in (weight, bias)))
    first = output[HIDDEN][:, 0]
    if pooler.weight.shape != (first.shape[1], first.shape[1]):
        return None
    return pooler if np.allclose(pooler(first), output[POOLED], atol=TOLERANCE) else None
