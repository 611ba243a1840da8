"""Leftovers of processes that died, in the cache."""

from __future__ import annotations

import time
from pathlib import Path

from spacy_lambda.runtime.cache.claim import FETCHING, HEARTBEAT, is_dead, is_number
from spacy_lambda.runtime.cache.eviction import EVICTED
from spacy_lambda.runtime.cache.folders import list_names, lstat, remove, remove_empty

__all__ = ["sweep"]

NEW_CLAIM_EXPIRY_S = 60
"""Its heartbeat is locked well before."""

UNKNOWN_CLAIM_EXPIRY_S = 3600


def sweep(root: Path) -> None:
    """Remove what processes that died have left; what may still be written stays."""
    for name in list_names(root / FETCHING):
        claims = root / FETCHING / name
        for claim in list_names(claims):
            if _is_left(claims / claim):
                remove(claims / claim)
                remove_empty(claims)
    for name in list_names(root / EVICTED):
        remove(root / EVICTED / name)


def _is_left(claim: Path) -> bool:
    try:
        if not is_dead(claim):
            return False
        # A claim that has its number has had its lock too.
        return is_number(claim.name) or _age(claim) > NEW_CLAIM_EXPIRY_S
    except OSError:
        # No heartbeat yet, or no locks here.
        return _age(claim) > UNKNOWN_CLAIM_EXPIRY_S


def _age(claim: Path) -> float:
    """Return the seconds since a claim's last progress."""
    found = lstat(claim / HEARTBEAT) or lstat(claim)
    return 0.0 if found is None else time.time() - found.st_mtime
