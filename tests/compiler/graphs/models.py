"""Small transformers models of random weights, and torch's hidden states of a window."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers

VOCABULARY, POSITIONS, WIDTH = 29, 20, 8

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 1,
}

LONGEST = POSITIONS - 2
"""Wordpieces of the longest window that every model takes: RoBERTa's positions begin at 2."""


def random_model(model_type: str, **settings: Any) -> Any:
    config = transformers.AutoConfig.for_model(model_type, **{**SIZES, **settings})
    torch.manual_seed(0)
    with warnings.catch_warnings():
        # Some modules of transformers are scripted as they are imported, of which torch warns.
        warnings.simplefilter("ignore", DeprecationWarning)
        return randomized(transformers.AutoModel.from_config(config))


def randomized(module: Any) -> Any:
    """Change every parameter a little: biases are zero and norms one at first."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module.eval()


def random_window(length: int) -> list[int]:
    """Return wordpiece ids without the padding's."""
    return [int(one) for one in np.random.default_rng(length).integers(2, VOCABULARY, size=length)]


def hidden_states(model: Any, ids: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return the hidden states of a transformers model. *Shape:* ``(n_layers + 1, wordpieces, width)``"""
    with torch.no_grad():
        states = model(input_ids=torch.tensor([list(ids)]), output_hidden_states=True).hidden_states
    return np.stack([state[0].numpy() for state in states])
