"""Parts of transformers' models that a trace would fix for one length, replaced by equal ones while it is made."""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["traceable"]

MASKS = "transformers.masking_utils"
VMAP = "_vmap_for_bhqkv"
INDEX_MODE = "TransformGetItemToIndex"


@contextlib.contextmanager
def traceable(model: Any) -> Iterator[None]:
    """Replace the code that depends on a window's length in Python, for windows without padding.

    :param model: A ``PreTrainedModel``.
    """
    with contextlib.ExitStack() as stack:
        masks = _module(MASKS)
        if hasattr(masks, VMAP):
            stack.enter_context(_replaced(masks, VMAP, _broadcast))
            stack.enter_context(_replaced(masks, INDEX_MODE, contextlib.nullcontext))
        if getattr(model.config, "use_cache", False):
            stack.enter_context(_replaced(model.config, "use_cache", False))
        for module in model.modules():
            if hasattr(module, "_pad_to_window_size"):
                stack.enter_context(_replaced(module, "_pad_to_window_size", _unpadded))
            if hasattr(module, "one_sided_attn_window_size"):
                stack.enter_context(_replaced(module, "forward", _band_attention(module)))
        yield


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    """Replace an attribute while the block runs. One of the owner's class is hidden, and not changed."""
    is_own = name in vars(owner)
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if is_own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)


def _broadcast(mask_function: Callable[..., Any], bh_indices: bool = True) -> Callable[..., Any]:
    """Return a function of the indices of batch, head, query and key, without ``vmap``, which cannot be traced."""

    def masks(batch: Any, head: Any, query: Any, key: Any) -> Any:
        if not bh_indices:
            return mask_function(batch, head, query[:, None], key[None, :])
        places = (batch[:, None, None, None], head[None, :, None, None], query[None, None, :, None])
        return mask_function(*places, key[None, None, None, :])

    return masks


def _unpadded(*, pad_token_id: int, **inputs: Any) -> tuple[Any, ...]:
    """Stand for ``_pad_to_window_size`` of Longformer and LED, whose attention would need padding."""
    return (0, *inputs.values())


def _band_attention(module: Any) -> Callable[..., tuple[Any, ...]]:
    """Return Longformer's attention as attention to all wordpieces with those outside the window masked.

    spacy-transformers does not use global attention.
    """
    import torch

    reach, heads, width = module.one_sided_attn_window_size, module.num_heads, module.head_dim

    def split(x: Any) -> Any:
        return x.reshape(x.shape[0], x.shape[1], heads, width).transpose(1, 2)

    def forward(hidden_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        query, key, value = (split(part(hidden_states)) for part in (module.query, module.key, module.value))
        scores = torch.matmul(query / math.sqrt(width), key.transpose(-1, -2))
        place = torch.arange(hidden_states.shape[1])
        far = (place[:, None] - place[None, :]).abs() > reach
        weights = torch.softmax(scores.masked_fill(far, float("-inf")), dim=-1)
        attended = torch.matmul(weights, value).transpose(1, 2)
        return (attended.reshape(attended.shape[0], attended.shape[1], heads * width),)

    return forward


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:  # an older transformers
        return None
