"""Tensors in torch's file format, read with numpy.

The format is a zip file with a pickle, whose tensors point to entries with their values. Of the names that a pickle can
have called, a state dict of plain tensors needs four; everything else is an error.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.zip_errors import BROKEN_ZIP

__all__ = ["State", "read_state_dict"]

State = dict[str, npt.NDArray[np.floating[Any]]]

UNREADABLE: tuple[type[Exception], ...] = (
    *BROKEN_ZIP,
    pickle.UnpicklingError,
    KeyError,
    AttributeError,
    TypeError,
)
"""Errors of other contents."""

DTYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2"}


def read_state_dict(data: bytes) -> State:
    """Return the arrays of a file that ``torch.save(model.state_dict())`` wrote.

    :raises ValueError: If it contains anything else.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return _Reader(archive).read()
    except UNREADABLE as exc:
        raise ValueError(f"these weights are not a state dict of tensors: {system_reason(exc)}") from exc


class _Reader:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        self._folder = pickled.removesuffix("data.pkl")

    def read(self) -> State:
        names = self._archive.namelist()
        order = f"{self._folder}byteorder"
        if order in names and self._archive.read(order) != b"little":
            raise ValueError("these weights were saved on a big-endian machine")
        state = _Unpickler(self._archive.read(f"{self._folder}data.pkl"), self._storage).load()
        if not isinstance(state, dict) or not all(isinstance(array, np.ndarray) for array in state.values()):
            raise ValueError("these weights are not a state dict of tensors")
        return dict(state)

    def _storage(self, reference: tuple[str, str, str, str, int]) -> npt.NDArray[Any]:
        kind, dtype, key, _device, _size = reference
        if kind != "storage":
            raise pickle.UnpicklingError(f"{kind!r} is unsupported")
        return np.frombuffer(self._archive.read(f"{self._folder}data/{key}"), dtype=dtype)


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, storage: Callable[[Any], Any]) -> None:
        super().__init__(BytesIO(data))
        self._storage = storage

    def persistent_load(self, pid: Any) -> Any:
        """Return the values to which a tensor points."""
        return self._storage(pid)

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name of a state dict."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is unsupported")


def _rebuild(
    storage: npt.NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_rest: object
) -> npt.NDArray[Any]:
    """Return a tensor as an array of its own, whose values are all within the storage."""
    if len(size) != len(stride) or min((offset, *size, *stride)) < 0:
        raise pickle.UnpicklingError("a tensor has an invalid shape")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= len(storage):
        raise pickle.UnpicklingError("a tensor exceeds its storage")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps).copy()
