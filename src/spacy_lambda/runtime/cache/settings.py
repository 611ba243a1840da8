"""The cache's folder and maximum size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spacy_lambda.core.env_names import CACHE_LIMIT_VARIABLE, CACHE_VARIABLE
from spacy_lambda.errors import CacheError
from spacy_lambda.runtime.cache.file_system import FileSystem

__all__ = ["DEFAULT_ROOT", "CacheSettings", "CacheTimes", "read_settings"]

DEFAULT_ROOT = "/tmp/spacy-lambda"
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
SIZE = re.compile(r"(?P<number>[0-9]{1,15}(\.[0-9]{1,15})?)\s*(?P<unit>[KMG]?I?)B?", re.IGNORECASE)


@dataclass(frozen=True)
class CacheTimes:
    """Seconds of waiting for other processes.

    :param stale_s: Time after which a process that makes no progress counts as hanging.
    :param give_up_s: Time for which an entry or a claim that other processes remove or damage is retried.
    """

    stale_s: float = 3.0
    give_up_s: float = 30.0


@dataclass(frozen=True)
class CacheSettings:
    """The function's cache.

    :param root: Its folder; made when it is not there.
    :param limit: Maximum bytes of all entries, beyond which unused ones are evicted; ``None``: as the disk allows.
    :param times: Seconds of waiting for other processes.
    :param file_system: The file system that holds it.
    """

    root: Path = Path(DEFAULT_ROOT)
    limit: int | None = None
    times: CacheTimes = CacheTimes()
    file_system: FileSystem = field(default_factory=FileSystem)


def read_settings(environ: Mapping[str, str]) -> CacheSettings:
    """Read ``SPACY_LAMBDA_CACHE``, a folder, and ``SPACY_LAMBDA_CACHE_LIMIT``, a size such as ``2GB``.

    :raises CacheError: If the size is invalid or zero.
    """
    return CacheSettings(root=Path(environ.get(CACHE_VARIABLE) or DEFAULT_ROOT), limit=_limit(environ))


def _limit(environ: Mapping[str, str]) -> int | None:
    text = environ.get(CACHE_LIMIT_VARIABLE, "")
    if not text:
        return None
    size = SIZE.fullmatch(text.strip())
    if size is None or size["unit"].upper() not in UNITS:
        raise CacheError(
            f"{CACHE_LIMIT_VARIABLE} is {text[:80]!r}, an invalid size", remedy="write a size such as 500MB or 2GB"
        )
    limit = int(float(size["number"]) * UNITS[size["unit"].upper()])
    if limit == 0:
        raise CacheError(
            f"{CACHE_LIMIT_VARIABLE} is {text[:80]!r}, too small for any pipeline",
            remedy="write a size such as 500MB or 2GB, or unset it to use the whole disk",
        )
    return limit
