"""A bundle's folder -> the distributions in it, with the licences in their metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import Distribution
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

__all__ = ["UNKNOWN", "BundledDistribution", "list_components", "spdx_licence"]

UNKNOWN = "unknown"

TEXTS = ("LICEN[CS]E*", "COPYING*", "*NOTICE*")
"""File names of licences, in capitals."""

CODE = (".py", ".pyc", ".so")

MAX_NAME = 100
"""Characters: a ``License`` field that is longer is the licence's text."""

NO_LICENCE = ("OSI Approved", "DFSG approved")
"""Ends of classifiers that do not name a licence."""


@dataclass(frozen=True)
class BundledDistribution:
    """One distribution of a bundle.

    :param name: In its normal form.
    :param version: As in its metadata.
    :param licence: An SPDX expression if its metadata contain one, else the licence's name in the metadata.
    :param texts: Files in the bundle with its licences, relative to the bundle's folder.
    :param sha256: Of its wheel; empty if it was not installed from a wheel.
    """

    name: str
    version: str
    licence: str
    texts: tuple[str, ...]
    sha256: str


def list_components(tree: Path, sha256: Mapping[str, str]) -> tuple[BundledDistribution, ...]:
    """List the distributions in a folder, sorted by name.

    :param tree: The folder with the ``.dist-info`` folders.
    :param sha256: Of each wheel, by the distribution's normal name.
    """
    found = (_component(tree, info, sha256) for info in tree.glob("*.dist-info"))
    return tuple(sorted(found, key=lambda component: component.name))


def spdx_licence(text: str) -> str | None:
    """Return a text as an SPDX expression, ignoring case, spaces and the word licence: ``MIT License`` is ``MIT``."""
    bare = text.removeprefix("The ").replace(" License", "")
    for expression in (text, text.replace(" ", "-"), bare.replace(" ", "-")):
        try:
            return canonicalize_license_expression(expression)
        except InvalidLicenseExpression:
            continue
    return None


def _component(tree: Path, info: Path, sha256: Mapping[str, str]) -> BundledDistribution:
    dist = Distribution.at(info)
    name = canonicalize_name(dist.metadata["Name"])
    texts = tuple(sorted(path.relative_to(tree).as_posix() for path in _texts(info)))
    return BundledDistribution(name, dist.version, _licence(dist), texts, sha256.get(name, ""))


def _licence(dist: Distribution) -> str:
    """Return the licence: the newest field first, then exact values before names."""
    expression = _field(dist, "License-Expression")
    if expression:
        return spdx_licence(expression) or expression
    classifiers = [value.split(" :: ")[-1] for value in dist.metadata.get_all("Classifier") or [] if _is_licence(value)]
    if len(classifiers) == 1 and (spdx := _spdx_classifier(classifiers[0])):
        return spdx
    field = _field(dist, "License")
    if field and len(field) <= MAX_NAME and "\n" not in field:
        return spdx_licence(field) or field
    return ", ".join(classifiers) or UNKNOWN


def _field(dist: Distribution, name: str) -> str:
    value = next(iter(dist.metadata.get_all(name) or [""])).strip()
    return "" if value.upper() == "UNKNOWN" else value


def _is_licence(classifier: str) -> bool:
    return classifier.startswith("License :: ") and not classifier.endswith(NO_LICENCE)


def _spdx_classifier(name: str) -> str | None:
    """Return the SPDX expression of a classifier, such as ``MIT License``, ``ISC License (ISCL)`` or ``Mozilla Public
    License 2.0 (MPL 2.0)``; ``None`` for ``BSD License``, which is ambiguous.
    """
    match = re.fullmatch(r"(.*) \((.*)\)", name)
    return next(filter(None, map(spdx_licence, reversed(match.groups()) if match else (name,))), None)


def _texts(info: Path) -> Iterator[Path]:
    """Yield the licences in the ``.dist-info`` folder, and those next to the code, where some wheels have them."""
    yield from (path for path in (info / "licenses").rglob("*") if path.is_file())
    for folder in (info, info.with_name(info.name.partition("-")[0])):
        for path in folder.glob("*"):
            named = any(fnmatchcase(path.name.upper(), pattern) for pattern in TEXTS)
            if named and path.is_file() and path.suffix not in CODE:
                yield path
