"""Installed distributions that a pipeline needs in addition to the base install, found by the modules that it uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points, packages_distributions
from pathlib import Path
from shlex import quote
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from spacy.language import Language
from spacy.util import registry as registry_of_spacy

from spacy_lambda.core.pipeline_meta import requirements_of
from spacy_lambda.errors import CompileError
from spacy_lambda.packages.base_install import LEFT_OUT, SPACY_LAMBDA
from spacy_lambda.packages.closure import applies, is_satisfied, requirement_closure
from spacy_lambda.packages.torch_packages import TORCH_DISTRIBUTIONS, brings_torch
from spacy_lambda.pipeline.config_file import blocks, registered_names

__all__ = [
    "distributions_of",
    "installed_modules",
    "installed_sources",
    "is_base",
    "kept_requirements",
    "needed_by_names",
    "pinned",
    "required_names",
]

OWN_MODULES = ("spacy", "spacy_lambda", "thinc")
LIBRARIES = ("spacy", "thinc")
"""Libraries whose registries other packages extend by entry points."""


def kept_requirements(meta: Mapping[str, Any]) -> list[str]:
    """Return the requirements of the original that do not bring torch, which its compiled pipeline keeps.

    :param meta: The original's ``meta.json``.
    :raises InvalidPipelineError: If it lists an invalid requirement.
    :raises CompileError: If one of them is not installed here, or in another version.
    """
    return [one for one in requirements_of(meta) if _name(one) != "spacy-lambda" and _is_kept(one)]


def required_names(requirements: Iterable[str]) -> set[str]:
    """Return the normal names of requirements, without those whose marker does not apply here."""
    return {_name(one) for one in requirements if applies(_parsed(one))}


def needed_by_names(nlp: Language, config: Mapping[str, Any], *, without: Iterable[str]) -> list[str]:
    """Return requirements for the names in a config: the distributions that register them.

    :param config: Interpolated.
    :param without: Modules that the pipeline contains.
    """
    tops = sorted({module.partition(".")[0] for module in _all_modules(nlp, config)} - set(without))
    needed = [one for top in tops for one in distributions_of(top)]
    return [pinned(one) for one in needed if not brings_torch(one.name) and not is_base(one)]


def installed_sources(nlp: Language, config: Mapping[str, Any]) -> list[Path]:
    """Return the files, of packages beyond the base install, that define the functions named in a config."""
    files = []
    for module in sorted(_all_modules(nlp, config)):
        dists = distributions_of(module)
        file = getattr(sys.modules.get(module), "__file__", None)
        if file and dists and not any(brings_torch(one.name) or is_base(one) for one in dists):
            files.append(Path(file))
    return files


def distributions_of(module: str) -> list[Distribution]:
    """Return the installed distributions of a module; none for one that was not installed."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in OWN_MODULES:
        return []
    return [distribution(name) for name in sorted(set(installed_modules().get(top, [])))]


def installed_modules() -> Mapping[str, list[str]]:
    """Return the names of the distributions of each installed top-level module."""
    return _installed_modules(_search_path())


def pinned(dist: Distribution) -> str:
    """Return a requirement for the installed version, with which the predictions were compared."""
    return f"{dist.name}=={Version(dist.version).public}"


def is_base(dist: Distribution) -> bool:
    """Return whether a distribution is part of the base install, or left out of it although spaCy requires it."""
    return _normal(dist) in _base() or _normal(dist) in LEFT_OUT


def _all_modules(nlp: Language, config: Mapping[str, Any]) -> set[str]:
    """Return the modules that define the parts of a pipeline and the functions named in its config."""
    # A component may be a function, whose module is the one that defines it.
    parts = [nlp, nlp.tokenizer, *(component for _, component in nlp.components)]
    modules = {str(getattr(part, "__module__", None) or type(part).__module__) for part in parts}
    for block in blocks(config):
        for registry, name in registered_names(block):
            modules |= set(_module_of(registry, name))
    return modules


def _module_of(registry: str, name: str) -> Iterator[str]:
    registering = _registering_modules(_search_path())
    for library in LIBRARIES:
        yield from registering.get((f"{library}_{registry}", name), ())
    try:
        function = registry_of_spacy.get(registry, name)
    except Exception:  # not registered here; the proof reports it if it matters
        return
    module = getattr(function, "__module__", None) or type(function).__module__
    if isinstance(module, str):
        yield module


def _search_path() -> tuple[tuple[str, int], ...]:
    """Return the entries of ``sys.path`` with their modification times, which an installation changes."""
    return tuple((entry, os.stat(entry).st_mtime_ns) for entry in sys.path if os.path.isdir(entry))


@lru_cache(maxsize=1)
def _registering_modules(path: tuple[tuple[str, int], ...]) -> Mapping[tuple[str, str], Sequence[str]]:
    """Return the modules of the libraries' entry points, by group and name, read once from all metadata."""
    found = entry_points()
    modules: dict[tuple[str, str], list[str]] = {}
    for group in found.groups:
        if group.startswith(tuple(f"{library}_" for library in LIBRARIES)):
            for point in found.select(group=group):
                modules.setdefault((group, point.name), []).append(point.module)
    return modules


@lru_cache(maxsize=1)
def _installed_modules(path: tuple[tuple[str, int], ...]) -> Mapping[str, list[str]]:
    """Return the names of the distributions of each top-level module, read once from the metadata of all of them."""
    return packages_distributions()


def _is_kept(text: str) -> bool:
    """Decide whether the compiled pipeline keeps a requirement of the original, perhaps for another system."""
    if not applies(_parsed(text)):
        return _name(text) not in TORCH_DISTRIBUTIONS
    if brings_torch(text):
        return False
    found = _installed(text)
    if not is_satisfied(_parsed(text), found):
        raise CompileError(
            f"the pipeline requires {text!r}, and {found.name} {found.version} is installed",
            remedy=f"pip install {quote(text)}, or correct the requirements in its meta.json",
        )
    return True


def _name(text: str) -> str:
    return canonicalize_name(_parsed(text).name)


def _parsed(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as exc:
        raise CompileError(
            f"{text!r}, which meta.json requires, is not a requirement: {exc}",
            remedy='correct "requirements" in the meta.json of the pipeline',
        ) from exc


def _normal(dist: Distribution) -> str:
    return canonicalize_name(dist.name)


@cache
def _base() -> frozenset[str]:
    return frozenset(map(_normal, requirement_closure((SPACY_LAMBDA,), without=LEFT_OUT)))


def _installed(text: str) -> Distribution:
    try:
        return distribution(_name(text))
    except PackageNotFoundError as exc:
        raise CompileError(
            f"the pipeline requires {text!r}, which is not installed",
            remedy=f"pip install {quote(text)}, or remove it from the requirements in its meta.json",
        ) from exc
