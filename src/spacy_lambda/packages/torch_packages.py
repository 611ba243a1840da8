"""Torch and its libraries, which no function has: distributions, their modules, and a check of requirements."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

__all__ = ["TORCH_DISTRIBUTIONS", "TORCH_MODULES", "brings_torch"]

TORCH_DISTRIBUTIONS = frozenset(
    {
        "cupy", "curated-transformers", "jax", "mxnet", "sentence-transformers",
        "spacy-curated-transformers", "spacy-transformers", "tensorflow", "tf-keras", "torch", "transformers",
    }
)  # fmt: skip
"""Normal names of the distributions that a compiled pipeline does without."""

TORCH_MODULES = frozenset(name.replace("-", "_") for name in TORCH_DISTRIBUTIONS)
"""Top-level modules of these distributions."""


def brings_torch(requirement: str) -> bool:
    """Return whether a requirement, as far as it is installed here, leads to one of :data:`TORCH_DISTRIBUTIONS`.

    :param requirement: Such as ``spacy-transformers>=1.3`` or ``thinc[torch]``, or a distribution's name.
    """
    seen = set[tuple[str, str]]()
    waiting = _parsed([requirement], extra="")
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in TORCH_DISTRIBUTIONS:
            return True
        for extra in ("", *wanted.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _parsed(_required(name), extra=extra)
    return False


def _required(name: str) -> list[str]:
    try:
        return distribution(name).requires or []
    except PackageNotFoundError:
        return []


def _parsed(texts: list[str], *, extra: str) -> list[Requirement]:
    """Return the requirements that apply here; the installer reports invalid ones."""
    found = []
    for text in texts:
        try:
            one = Requirement(text)
        except InvalidRequirement:
            continue
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            found.append(one)
    return found
