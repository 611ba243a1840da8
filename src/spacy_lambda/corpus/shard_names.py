"""Names from outside -> names of shards, which are paths below the destination on any system."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable

from spacy_lambda.core.file_names import folded

__all__ = ["RESULTS", "shard_names"]

MAX_PART = 180
MAX_NAME = 700
"""Maximum bytes of a part of a name and of all of it: file systems permit 255, with number and suffix, and S3 1,024."""

RESULTS = re.compile(r"(.+)-\d{5,}\.[a-z.]+\Z", re.DOTALL)
"""Names of shards' results: the name that the shards of a file share, and a number."""

UNSAFE = re.compile(r"^[._]|[\x00-\x1f\x7f\\\ud800-\udfff]")
"""Parts of names that data sets hide, that lead out of a folder, or that some systems do not accept."""


def shard_names(groups: Iterable[str], *, kept: Collection[str] = ()) -> dict[str, str]:
    """Return the name that the shards of each group begin with: its own, unless that is not safe as a path.

    A name that is changed ends with a digest of what it was. So do names that differ only in case or in Unicode forms,
    which are one for some file systems, and names in a folder that has the name of another group's results.

    :param kept: Names that earlier shards have; a group with such a name keeps it, even if another
        one differs from it in case only.
    """
    safe = {group: "/".join(_safe_part(part) for part in group.split("/")) for group in groups}
    count = Counter(folded(name) for name in safe.values())
    names = {}
    for group, name in safe.items():
        path = _beside_results(name, count)
        own = path == group and (count[folded(name)] == 1 or name in kept)
        names[group] = name if own else _with_digest(path, group)
    return names


def _beside_results(name: str, groups: Collection[str]) -> str:
    """Return a name in whose folders none has the name of a group's results, which are files."""
    parts = name.split("/")
    for number in range(1, len(parts)):
        found = RESULTS.match(folded("/".join(parts[:number])))
        if found and found[1] in groups:
            parts[number - 1] += "~"
    return "/".join(parts)


def _safe_part(part: str) -> str:
    escaped = UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", part) or "%"
    return escaped if len(escaped.encode()) <= MAX_PART else escaped.encode()[:MAX_PART].decode(errors="ignore")


def _with_digest(name: str, group: str) -> str:
    digest = hashlib.sha256(group.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    short = name if len(name.encode()) <= MAX_NAME else name.encode()[:MAX_NAME].decode(errors="ignore").rstrip("/")
    return f"{short}~{digest}"
