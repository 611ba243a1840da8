"""The name and version of a compiled pipeline: the original's, or others, as ``spacy package`` and pip accept them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy_lambda.core.pipeline_meta import PipelineName, pipeline_name
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import CompileError, shorten

__all__ = ["chosen_name", "write_name"]

PACKAGE = re.compile(r"[A-Za-z0-9_]*[A-Za-z0-9]", re.ASCII)
"""Names that are both an importable module and a distribution."""


def chosen_name(meta: Mapping[str, Any], *, name: str | None, version: str | None) -> PipelineName:
    """Return the name of a compiled pipeline.

    :param meta: The original's ``meta.json``.
    :param name: A name in place of the original's, with or without the language: ``materials`` or ``en_materials``.
    :param version: A version in place of the original's.
    :raises CompileError: If one of them is invalid.
    """
    found = pipeline_name(meta)
    own = found.name if name is None else _name(name, lang=found.lang)
    return PipelineName(found.lang, own, found.version if version is None else _version(version))


def write_name(folder: Path, name: PipelineName) -> None:
    """Write a name into a pipeline's ``meta.json``."""
    path = folder / "meta.json"
    content = parse_json(path.read_text(encoding="utf-8"))
    content |= {"name": name.name, "version": name.version}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _name(name: str, *, lang: str) -> str:
    own = name.removeprefix(f"{lang}_")
    if not PACKAGE.fullmatch(own):
        plain = re.sub(r"\W+", "_", own, flags=re.ASCII).strip("_") or "materials"
        raise CompileError(
            f"--name {shorten(repr(name))} is not valid in the name of a Python package",
            remedy=f"write letters, digits and '_', such as --name {shorten(plain)}",
        )
    return own


def _version(version: str) -> str:
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(version))
    except InvalidVersion as exc:
        raise CompileError(
            f"--version {shorten(repr(version))} is not a version as pip defines it (PEP 440)",
            remedy="write a version such as --version 1.2.0",
        ) from exc
