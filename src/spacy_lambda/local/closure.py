"""Stage 2: requirement strings become the installed distributions that they bring, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from spacy_lambda.errors import LocalLambdaError


def requirement_closure(requirements: Iterable[str]) -> tuple[Distribution, ...]:
    """Follow requirements, and theirs, through what is installed here.

    Markers are evaluated for this interpreter; an extra is followed only where it is asked for by
    name (``package[extra]``). Versions are not compared: the installer has done that.

    :param requirements: Requirement strings such as ``spacy-lambda`` or ``spacy>=3.8``.
    :returns: The distributions, sorted by name.
    :raises LocalLambdaError: If one of them is not installed or cannot be read.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = _wanted(requirements, by="the function")
    while waiting:
        requirement, wanted_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            found[name] = found.get(name) or _installed(requirement, wanted_by)
            waiting += _wanted(found[name].requires or (), by=name, extra=extra)
    return tuple(found[name] for name in sorted(found))


def _wanted(texts: Iterable[str], *, by: str, extra: str = "") -> list[tuple[Requirement, str]]:
    """What is needed on this machine, for itself (``extra`` is empty) or for one extra; and by whom."""
    parsed = [_parse(text, by) for text in texts]
    return [(one, by) for one in parsed if one.marker is None or one.marker.evaluate({"extra": extra})]


def _parse(text: str, wanted_by: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as exc:
        raise LocalLambdaError(
            f"{wanted_by} requires {text!r}, which is not a requirement: {exc}",
            remedy="correct the requirements in the pipeline's meta.json",
        ) from exc


def _installed(requirement: Requirement, wanted_by: str) -> Distribution:
    try:
        return distribution(requirement.name)
    except PackageNotFoundError as exc:
        wanted = f"{requirement.name}{requirement.specifier}"
        raise LocalLambdaError(
            f"{wanted_by} requires {wanted!r}, which is not installed", remedy=f'pip install "{wanted}"'
        ) from exc
