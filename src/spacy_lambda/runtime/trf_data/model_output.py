"""A transformer's outputs by attribute, key and position, as in transformers' ``ModelOutput``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spacy_lambda.errors import MissingOutputError
from spacy_lambda.runtime.trf_data.pooler import POOLED

__all__ = ["HIDDEN", "ModelOutput", "Outputs", "missing_output"]

HIDDEN = "last_hidden_state"

OTHERS = frozenset(
    (
        "attentions",
        "cross_attentions",
        "embedding_output",
        "hidden_states",
        "logits",
        "past_key_values",
        "pooler_output",
    )
)
"""Outputs of transformers models that a compiled encoder does not compute."""

Arrays = npt.NDArray[np.float32]


def missing_output(name: str) -> MissingOutputError:
    """Return the error for an output that the compiled encoder does not compute."""
    compiled = ", or compile the pipeline with the code that reads it (--code FILE)" if name == POOLED else ""
    return MissingOutputError(
        f"doc._.trf_data has no {name!r}: a compiled encoder computes only {HIDDEN}",
        remedy=f"use model_output.{HIDDEN}, which align maps to tokens{compiled}",
    )


class ModelOutput(Mapping[str, Arrays]):
    """The outputs of a transformer for one Doc.

    :param compute: Computes an output by its name.
    :param names: Names of the original's outputs. Those that the compiled encoder does not compute are listed like the
        others, and raise when they are read.
    """

    def __init__(self, compute: Mapping[str, Callable[[], Arrays]], names: Sequence[str]) -> None:
        self._compute = dict(compute)
        self._names = tuple(names)
        self._computed: dict[str, Arrays] = {}

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self._compute or key not in self._names:
            raise missing_output(key) if key in OTHERS or key in self._names else KeyError(key)
        if key not in self._computed:
            self._computed[key] = self._compute[key]()
        return self._computed[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not (name in self._names or name in OTHERS):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self[name]

    def get(self, key: Any, default: Any = None) -> Any:
        """Return an output, or a default where the original has none of this name, as its ``get`` does."""
        return default if key not in self._names else self[key]

    def __contains__(self, key: object) -> bool:
        return key in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def computed(self) -> dict[str, Arrays]:
        """Return the outputs that the compiled encoder computes."""
        return {name: self[name] for name in self._names if name in self._compute}

    def to_tuple(self) -> Outputs:
        """Return the outputs in order."""
        return Outputs(self)


class Outputs(Sequence[Any]):
    """The outputs of a transformer by position, each computed when it is read."""

    def __init__(self, output: ModelOutput) -> None:
        self._output = output

    def __getitem__(self, index: Any) -> Any:
        chosen = tuple(self._output)[index]
        return self._output[chosen] if isinstance(chosen, str) else tuple(self._output[name] for name in chosen)

    def __len__(self) -> int:
        return len(self._output)
