"""Attention as a part of an encoder's graph: an interface, and that of BERT.

Other kinds are with the architectures that have them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx

from spacy_lambda.compiler.graphs.builder import CONTRIB, GraphBuilder
from spacy_lambda.runtime.encoder import INPUT

__all__ = ["MASKED", "Attend", "Attention", "SelfAttention", "multi_head", "split_qkv"]

MASKED = float(np.finfo(np.float32).min)
"""Score of a masked wordpiece. Where all are masked, all are attended to alike, as in torch."""

Attend = Callable[[int, str], str]
"""Number of a layer; queries, keys and values side by side -> what the layer attends to."""


class Attention(Protocol):
    """The attention of an encoder's layers."""

    def start(self, g: GraphBuilder, n_heads: int) -> Attend:
        """Add the nodes that all layers share, and return the function that adds the nodes of one layer."""


@dataclass(frozen=True)
class SelfAttention:
    """Attention without positions.

    :param mask_id: Nothing attends to wordpieces with this id; for encoders that may get it within a text.
    """

    mask_id: int | None = None

    def start(self, g: GraphBuilder, n_heads: int) -> Attend:
        """Add the mask, if there is one."""
        if self.mask_id is None:
            return lambda _, qkv: multi_head(g, *split_qkv(g, qkv), num_heads=n_heads)
        attended = g.op("Not", g.op("Equal", INPUT, g.const(np.array(self.mask_id))))
        mask = g.op("Cast", attended, to=onnx.TensorProto.INT32)
        return lambda _, qkv: multi_head(g, *split_qkv(g, qkv), "", mask, num_heads=n_heads, mask_filter_value=MASKED)


def multi_head(g: GraphBuilder, *inputs: str, **attributes: Any) -> str:
    """Add onnxruntime's attention node: queries, keys, values, bias, mask, attention bias."""
    return g.op("MultiHeadAttention", *inputs, domain=CONTRIB, **attributes)


def split_qkv(g: GraphBuilder, qkv: str) -> tuple[str, ...]:
    """Return queries, keys and values. *Shape of each:* ``(batch, wordpieces, width)``"""
    return g.op_many("Split", qkv, outputs=3, axis=-1, num_outputs=3)
