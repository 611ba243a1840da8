"""Where the cache is, and how large it may become."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import CacheError

__all__ = ["CACHE_VARIABLE", "DEFAULT_ROOT", "LIMIT_VARIABLE", "CacheSettings", "read_settings"]

CACHE_VARIABLE = "SPACY_LAMBDA_CACHE"
LIMIT_VARIABLE = "SPACY_LAMBDA_CACHE_LIMIT"
DEFAULT_ROOT = "/tmp/spacy-lambda"
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
SIZE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[KMG]?I?)B?", re.IGNORECASE)


@dataclass(frozen=True)
class CacheSettings:
    """The function's cache.

    :param root: Its folder; made when it is not there.
    :param limit: Bytes of all entries; older ones that nobody uses are evicted beyond it. ``None``: as the disk allows.
    """

    root: Path = Path(DEFAULT_ROOT)
    limit: int | None = None


def read_settings(environ: Mapping[str, str]) -> CacheSettings:
    """Read ``SPACY_LAMBDA_CACHE``, a folder, and ``SPACY_LAMBDA_CACHE_LIMIT``, a size such as ``2GB``.

    :raises CacheError: When the size is none.
    """
    limit = environ.get(LIMIT_VARIABLE, "")
    size = SIZE.fullmatch(limit.strip())
    if limit and (size is None or size["unit"].upper() not in UNITS):
        raise CacheError(f"{LIMIT_VARIABLE} is {limit!r}, which is no size", remedy="write a size such as 500MB or 2GB")
    return CacheSettings(
        root=Path(environ.get(CACHE_VARIABLE) or DEFAULT_ROOT),
        limit=None if size is None else int(float(size["number"]) * UNITS[size["unit"].upper()]),
    )
