"""The installed distributions that requirement strings bring, and no others."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from shlex import quote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from spacy_lambda.errors import RequirementError

__all__ = ["applies", "is_satisfied", "requirement_closure"]

FUNCTION = "the function"
"""Stands for the requirer of the given requirements."""


def requirement_closure(
    requirements: Iterable[str], *, markers: Mapping[str, str] | None = None, without: Container[str] = ()
) -> tuple[Distribution, ...]:
    """Follow requirements, and the requirements of these, through the installed distributions.

    An extra is followed only where it is named (``package[extra]``). Versions are compared for the given
    requirements, and not for indirect ones: the installer has done so, and some packages that work declare
    otherwise.

    :param requirements: Requirement strings such as ``spacy-lambda`` or ``spacy>=3.8``.
    :param markers: The environment in which markers are evaluated; by default this interpreter's.
    :param without: Normal names of distributions that are left out, with the requirements of these alone.
    :returns: The distributions, sorted by name.
    :raises RequirementError: If one of them is not installed, has another version or cannot be read.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = _wanted(requirements, by=FUNCTION, markers=markers)
    while waiting:
        requirement, wanted_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in without:
            continue
        if wanted_by == FUNCTION:  # checked even if another requirement has brought it
            found[name] = _installed(requirement, wanted_by)
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            found[name] = found.get(name) or _installed(requirement, wanted_by)
            waiting += _wanted(found[name].requires or (), by=name, extra=extra, markers=markers)
    return tuple(found[name] for name in sorted(found))


def applies(requirement: Requirement, markers: Mapping[str, str] | None = None) -> bool:
    """Return whether a requirement's marker applies; a requirement without one always does.

    :param markers: Values of markers that replace this interpreter's.
    """
    return requirement.marker is None or requirement.marker.evaluate({"extra": "", **(markers or {})})


def is_satisfied(requirement: Requirement, dist: Distribution) -> bool:
    """Return whether an installed distribution's version satisfies a requirement; pre-releases count."""
    try:
        version = Version(dist.version)
    except InvalidVersion:  # of an old package: there is nothing to compare
        return True
    return requirement.specifier.contains(version, prereleases=True)


def _wanted(
    texts: Iterable[str], *, by: str, extra: str = "", markers: Mapping[str, str] | None
) -> list[tuple[Requirement, str]]:
    """Return requirements with their requirer: those of a distribution itself (``extra`` is empty) or of one extra."""
    parsed = [_parse(text, by) for text in texts]
    environment = {**(markers or {}), "extra": extra}
    return [(one, by) for one in parsed if applies(one, environment)]


def _parse(text: str, wanted_by: str) -> Requirement:
    try:
        return _requirement(text)
    except (InvalidRequirement, RecursionError) as exc:
        raise RequirementError(
            f"{wanted_by} requires {text!r}, which is not a requirement: {exc}",
            remedy="correct the requirements in the pipeline's meta.json",
        ) from exc


_requirement = lru_cache(maxsize=2048)(Requirement)
"""Parses a requirement; the same ones are read for every task root of a process."""


def _installed(requirement: Requirement, wanted_by: str) -> Distribution:
    wanted = f"{requirement.name}{requirement.specifier}"
    try:
        found = distribution(requirement.name)
    except PackageNotFoundError as exc:
        raise RequirementError(
            f"{wanted_by} requires {wanted!r}, which is not installed", remedy=f"pip install {quote(wanted)}"
        ) from exc
    if wanted_by == FUNCTION and not is_satisfied(requirement, found):
        raise RequirementError(
            f"{wanted_by} requires {wanted!r}, and {found.name} {found.version} is installed",
            remedy=f"pip install {quote(wanted)}, or correct the requirements in the pipeline's meta.json",
        )
    return found
