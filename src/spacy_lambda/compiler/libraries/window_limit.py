"""The longest window that the original encodes, found by running it.

spacy-transformers truncates windows at the tokenizer's ``model_max_length`` and nowhere else. The model's
config alone does not give the limit: BERT raises beyond its ``max_position_embeddings``, DeBERTa, whose positions are
relative, does not. So a shorter limit than the tokenizer's is one at which the original raises.
"""

from __future__ import annotations

import copy
from typing import Any

from spacy_lambda.compiler.libraries.reference import WordpieceBatchReference
from spacy_lambda.errors import CompileError

__all__ = ["DEFAULT_PROBED", "UNLIMITED", "longest_checked", "window_limit"]

UNLIMITED = 1 << 20
"""Stands for no limit; spaCy takes no longer texts by default."""

MAX_PROBED = 4100
"""Wordpieces of the longest window that is tried; attention's cost grows with the square."""

DEFAULT_PROBED = 1025
"""Wordpieces that are tried of a model that has no limit."""


def window_limit(name: str, model: Any) -> int:
    """Return the number of wordpieces after which a window is truncated.

    :param name: The component's name.
    :param model: Its ``TransformerModel`` of spacy-transformers.
    :raises CompileError: If there is not enough memory to measure it.
    """
    declared = int(min(model.tokenizer.model_max_length, UNLIMITED))
    longest = longest_checked(declared, model.transformer.config)
    # A copy: some models change with the first window that they encode.
    encodes = _WindowProbe(name, copy.deepcopy(model))
    if encodes(longest):
        return declared
    good, bad = 0, longest
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if encodes(middle) else (good, middle)
    return good or declared


def longest_checked(limit: int, config: Any) -> int:
    """Return the length of the longest window on which original and compiled encoder are compared.

    :param limit: Wordpieces after which windows are truncated.
    :param config: The model's ``PretrainedConfig``.
    """
    positions = getattr(config, "max_position_embeddings", None) or 0
    beyond = 2 * positions + 1 if 2 * positions < MAX_PROBED else positions + 2
    return min(limit, MAX_PROBED, max(DEFAULT_PROBED, beyond))


class _WindowProbe:
    """Runs a model on windows of one wordpiece, repeated."""

    def __init__(self, name: str, model: Any) -> None:
        self._name = name
        self._reference = WordpieceBatchReference(model)
        self._id = model.tokenizer("a text")["input_ids"][0]

    def __call__(self, length: int) -> bool:
        try:
            self._reference([[self._id] * length])
        except MemoryError as exc:
            raise self._no_memory(length) from exc
        except Exception as exc:  # IndexError, RuntimeError, ValueError: any error of the model
            if "alloc" in str(exc):
                raise self._no_memory(length) from exc
            return False
        return True

    def _no_memory(self, length: int) -> CompileError:
        return CompileError(
            f"not enough memory to run {self._name!r} on a window of {length} wordpieces",
            remedy="use a machine with more memory, or set a smaller model_max_length in tokenizer_config",
        )
