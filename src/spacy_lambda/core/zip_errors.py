"""Errors of :mod:`zipfile`, which has no root for them, for an archive that is damaged, encrypted or unsupported."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib

__all__ = ["BROKEN_ZIP"]

BROKEN_ZIP: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    MemoryError,
)
