"""The ``meta.json`` of a pipeline, and the names in it.

``lang``, ``name`` and ``version`` become names of files, keys, tags and wheels. They are checked where the file is read
(:func:`read_meta`), and a file's name again where it is written (:func:`path_in`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_lambda.core.file_names import is_device
from spacy_lambda.core.strict_json import read_json
from spacy_lambda.errors import InvalidPipelineError, JsonError, shorten

__all__ = ["TRAINING_KEY", "UNNAMED", "PipelineName", "path_in", "pipeline_name", "read_meta", "requirements_of"]

UNNAMED = "pipeline"
"""spaCy's default name of a pipeline."""

TRAINING_KEY = "training"
"""Key of how a pipeline was trained; spacy-lambda train writes it, and compiling keeps it."""

PART = re.compile(r"\w(?:[\w-]|\.(?!\.))*(?<![.-])")
"""``lang`` or ``name``: letters of any script, digits, ``_``; ``-`` and single dots inside."""

VERSION = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z!+_-]|\.(?!\.))*(?<![.-])", re.ASCII)
"""Every version of PEP 440, and others in its characters."""

MAX_BYTES = {"lang": 32, "name": 100, "version": 64}
"""Bytes of UTF-8."""

REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
    r"\s*(?:\[[A-Za-z0-9._,\s-]*\])?"
    r"\s*(?:\(?\s*(?:(?:~=|===?|!=|<=?|>=?)\s*[A-Za-z0-9.*+!_-]+\s*,?\s*)+\)?)?"
    r"\s*(?:;[^;@/\\]+)?",
    re.ASCII,
)
"""A requirement of PEP 508 by name and version, without an address, a file or an option of pip."""

MAX_REQUIREMENT_CHARACTERS = 500
"""Characters."""

MAX_META_BYTES = 32 * 1024 * 1024
"""Maximum size of a ``meta.json``, which lists every label."""


@dataclass(frozen=True)
class PipelineName:
    """A pipeline's name, in parts that are safe in file names.

    :param lang: spaCy's code of its language.
    :param name: Its name.
    :param version: Its version.
    :raises InvalidPipelineError: If one of them is not safe in a file name.
    """

    lang: str
    name: str
    version: str

    def __post_init__(self) -> None:
        for key, form in (("lang", PART), ("name", PART), ("version", VERSION)):
            problem = _value_problem(getattr(self, key), form, MAX_BYTES[key])
            if problem is not None:
                raise InvalidPipelineError(
                    f"the pipeline's {key!r} is {problem}",
                    remedy=f"correct {key!r} in its meta.json: letters, digits, '_', and '-' and '.' between them, "
                    f"at most {MAX_BYTES[key]} bytes, such as " + {"lang": "en", "name": "my_ner"}.get(key, "1.0.0"),
                )

    @property
    def package(self) -> str:
        """``LANG_NAME``, as spaCy names a pipeline's package."""
        return f"{self.lang}_{self.name}"

    def __str__(self) -> str:
        """``LANG_NAME-VERSION``, as spaCy names a package's data."""
        return f"{self.package}-{self.version}"


def pipeline_name(meta: Mapping[str, Any]) -> PipelineName:
    """Return the pipeline's name from a ``meta.json`` or a part of it.

    :raises InvalidPipelineError: If ``lang``, ``name`` or ``version`` is missing or not safe in a file name.
    """
    return PipelineName(meta.get("lang", ""), meta.get("name", ""), meta.get("version", ""))


def path_in(folder: Path, name: str) -> Path:
    """Return the path of a new file or folder directly in a folder.

    :raises InvalidPipelineError: If the name would lead elsewhere.
    """
    if name in ("", ".", "..") or not name.isprintable() or any(mark in name for mark in "/\\:"):
        raise InvalidPipelineError(
            f"{shorten(repr(name))} is not a valid name for a file in {str(folder)!r}",
            remedy="correct lang, name and version in the pipeline's meta.json, or give the output's own path",
        )
    return folder / name


def read_meta(path: Path) -> dict[str, Any]:
    """Read a ``meta.json`` whose ``lang``, ``name`` and ``version`` are safe in file names.

    :raises InvalidPipelineError: If it cannot be read or is invalid.
    """
    try:
        with path.open("rb") as file:
            meta = read_json(file.read(MAX_META_BYTES + 1), name=repr(str(path)), max_bytes=MAX_META_BYTES)
    except JsonError as exc:
        raise InvalidPipelineError(
            exc.message, remedy="write the pipeline again, as UTF-8 without a byte order mark"
        ) from exc
    except (OSError, ValueError) as exc:
        from spacy_lambda.core.foreign_errors import system_reason

        raise InvalidPipelineError(
            f"{str(path)!r} cannot be read as JSON: {system_reason(exc)}", remedy="write the pipeline again"
        ) from exc
    if not isinstance(meta, dict):
        raise InvalidPipelineError(
            f"{str(path)!r} holds {shorten(repr(meta))}, not an object", remedy="write the pipeline again"
        )
    pipeline_name(meta)
    return meta


def requirements_of(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the requirements of a ``meta.json``: names of distributions, with versions, extras and markers.

    :raises InvalidPipelineError: If one has another form, such as an address, which would be fetched unseen.
    """
    requirements = meta.get("requirements", [])
    if not isinstance(requirements, list):
        raise InvalidPipelineError(
            f"the pipeline's requirements are {shorten(repr(requirements))}, not a list",
            remedy='correct "requirements" in its meta.json: a list of strings such as "sudachipy>=0.6", or []',
        )
    for requirement in requirements:
        if not _is_requirement(requirement):
            raise InvalidPipelineError(
                f"the pipeline requires {shorten(repr(requirement))}, which is not a distribution's name with versions",
                remedy='correct "requirements" in its meta.json: name what is required, such as "sudachipy>=0.6", and '
                "install it here from its source; addresses, files and options of pip are not supported",
            )
    return tuple(requirement.strip() for requirement in requirements)


def _is_requirement(value: object) -> bool:
    if not isinstance(value, str) or len(value) > MAX_REQUIREMENT_CHARACTERS or not value.isprintable():
        return False
    return REQUIREMENT.fullmatch(value.strip()) is not None


def _value_problem(value: object, form: re.Pattern[str], longest: int) -> str | None:
    """Describe a value that is not safe in a file name."""
    if not isinstance(value, str) or not form.fullmatch(value):
        return shorten(repr(value))
    if len(value.encode()) > longest:
        return f"{shorten(repr(value))}, of {len(value.encode())} bytes"
    return f"{value!r}, the name of a device" if is_device(value) else None
