"""The part of ``blis.py`` that thinc uses: one function, called in the library that ``blis.cy`` contains.

The wheel contains BLIS twice, once in each of its modules, 17 MB each. This shim uses the interface that ``blis.cy``
exports to other compiled modules: ``void gemm(trans_t, trans_t, dim_t m, dim_t n, dim_t k, double alpha, float *a,
inc_t, inc_t, float *b, inc_t, inc_t, double beta, float *c, inc_t, inc_t)``
(https://cython.readthedocs.io/en/latest/src/userguide/sharing_declarations.html).
"""

from __future__ import annotations

import ctypes
from typing import Any

import blis.cy
import numpy as np

__all__ = ["gemm"]

CAPSULE = "__pyx_fuse_0gemm"
TRANSPOSE = 8

_SIZE, _FLOATS = ctypes.c_int64, ctypes.c_void_p
_STRIDED = (_FLOATS, _SIZE, _SIZE)
_TYPES = (
    ctypes.c_int,
    ctypes.c_int,
    _SIZE,
    _SIZE,
    _SIZE,
    ctypes.c_double,
    *_STRIDED,
    *_STRIDED,
    ctypes.c_double,
    *_STRIDED,
)


def _function() -> Any:
    capsule = blis.cy.__pyx_capi__[CAPSULE]
    api = ctypes.pythonapi
    name, pointer = api.PyCapsule_GetName, api.PyCapsule_GetPointer
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(None, *_TYPES)(pointer(capsule, name(capsule)))


_gemm = _function()


def gemm(
    a: Any, b: Any, out: Any = None, trans1: bool = False, trans2: bool = False, alpha: float = 1.0, beta: float = 1.0
) -> Any:
    """Return ``alpha * a @ b + beta * out`` of contiguous float32 matrices, each transposed first if requested.

    :raises ValueError: If the shapes do not fit.
    :raises TypeError: If an argument is not a contiguous float32 matrix.
    """
    for matrix in (a, b) if out is None else (a, b, out):
        if matrix.ndim != 2 or matrix.dtype != np.float32 or not matrix.flags.c_contiguous:
            raise TypeError("gemm takes contiguous float32 matrices")
    m, k = a.shape[::-1] if trans1 else a.shape
    inner, n = b.shape[::-1] if trans2 else b.shape
    if k != inner or (out is not None and out.shape != (m, n)):
        raise ValueError(f"gemm of {a.shape} and {b.shape}: the shapes do not fit")
    if out is None:
        out = np.empty((m, n), dtype=np.float32) if beta == 0 else np.zeros((m, n), dtype=np.float32)
    _gemm(
        TRANSPOSE * bool(trans1),
        TRANSPOSE * bool(trans2),
        m,
        n,
        k,
        alpha,
        *_strided(a),
        *_strided(b),
        beta,
        *_strided(out),
    )
    return out


def _strided(matrix: Any) -> tuple[int, int, int]:
    return matrix.ctypes.data, matrix.shape[1], 1
