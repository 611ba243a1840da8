"""Values for ``meta.json`` and scores that a user gives, checked by pydantic, which comes with spaCy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from spacy_lambda.core.pipeline_meta import MAX_META_BYTES
from spacy_lambda.core.strict_json import read_json
from spacy_lambda.errors import JsonError, PackageError, shorten

__all__ = ["check_meta", "check_scores", "is_score", "read_object"]

FIXED = ("lang", "pipeline", "components", "labels", "spacy_lambda")
"""Keys of ``meta.json`` that describe the pipeline's parts."""

PER_TYPE = "_per_type"
RATIOS = ("_p", "_r", "_f", "_acc", "_uas", "_las")
SCORES = (*RATIOS, "_score")
"""Endings of the names of spaCy's scores; those of ratios are from 0 to 1."""

REPORT_KEYS = ("schemes", "confusion", "identical_documents", "speed")
"""Keys of reports of evaluations and verifications."""

SCORES_REMEDY = "give the JSON of `spacy-lambda evaluate --json` or of `spacy benchmark accuracy`"

Ratio = Annotated[float, Field(ge=0, le=1)]


class _LabelScores(BaseModel):
    """Scores of a label."""

    model_config = ConfigDict(strict=True, extra="allow")

    p: Ratio | None = None
    r: Ratio | None = None
    f: Ratio | None = None


class _MetaValues(BaseModel):
    """Values for ``meta.json``, of the types that spaCy and the card take; others may have any."""

    model_config = ConfigDict(strict=True, extra="allow")

    name: str = ""
    version: str = ""
    spacy_version: str = ""
    parent_package: str = ""
    description: str = ""
    author: str = ""
    email: str = ""
    url: str = ""
    license: str = ""
    notes: str = ""
    requirements: list[str] = []
    setup_requires: list[str] = []
    sources: list[str] | list[dict[str, str]] | None = None
    vectors: dict[str, Any] = {}
    performance: dict[str, Any] = {}
    training: dict[str, Any] = {}


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    :raises PackageError: If it is not one.
    """
    try:
        with path.open("rb") as file:
            found = read_json(file.read(MAX_META_BYTES + 1), name=str(path), max_bytes=MAX_META_BYTES)
    except JsonError as exc:
        raise PackageError(exc.message, remedy="correct the file, or write it again") from exc
    if not isinstance(found, dict):
        raise PackageError(
            f"{path} does not hold a JSON object: {shorten(repr(found))}", remedy="give the file that the command wrote"
        )
    return found


def is_score(key: str, value: Any) -> bool:
    """Return whether a value belongs to the scores of a card; losses and speeds do not."""
    if key.endswith(PER_TYPE):
        return isinstance(value, Mapping)
    return key.endswith(SCORES) and isinstance(value, int | float) and not isinstance(value, bool)


def check_meta(values: Mapping[str, Any], *, name: str) -> None:
    """Check values for ``meta.json``.

    :param name: Where they come from, such as a file.
    :raises PackageError: If there are none, or one of them describes the pipeline itself, is a score, or has another
        type.
    """
    if not values:
        raise PackageError(f"{name} has no values", remedy='write an object such as {"author": "Ada"}, or leave it out')
    for key in values:
        if key in FIXED:
            raise PackageError(
                f"{name}: {key!r} describes the pipeline itself and cannot be set", remedy="leave it out"
            )
        if key in REPORT_KEYS or key.endswith((PER_TYPE, *RATIOS)):
            raise PackageError(
                f"{name}: {key!r} is part of a report", remedy="leave it out; scores are given with --scores"
            )
    _check(TypeAdapter(_MetaValues), values, name=name, path="")
    if values.get("performance"):
        check_scores(values["performance"], name=f"{name}: performance")


def check_scores(values: Mapping[str, Any], *, name: str) -> None:
    """Check scores of an evaluation.

    :param name: Where they come from, such as a file.
    :raises PackageError: If there are none, or one of them is not a number, or not a ratio.
    """
    for key, value in values.items():
        if key.endswith(PER_TYPE):
            _check(TypeAdapter(dict[str, _LabelScores | Ratio | None]), value, name=name, path=key)
        elif key.endswith(RATIOS):
            _check(TypeAdapter(Ratio | None), value, name=name, path=key)
        elif key.endswith(SCORES):
            _check(TypeAdapter(float | None), value, name=name, path=key)
    if not any(is_score(key, value) for key, value in values.items()):
        keys = ", ".join(map(repr, values))
        raise PackageError(
            f"{name} has no scores{': its keys are ' + shorten(keys) if keys else ''}", remedy=SCORES_REMEDY
        )


def _check(adapter: TypeAdapter[Any], value: Any, *, name: str, path: str) -> None:
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as exc:
        # Of the members of a union, the one that a value is nearest to gives the error.
        error = max(exc.errors(include_url=False), key=lambda one: len(one["loc"]))
        keys = [str(part) for part in error["loc"] if isinstance(part, int) or _is_key(part, value)]
        where = ".".join(filter(None, (path, *keys)))
        problem = error["msg"].removeprefix("Input ")
        for kind in ("a valid dictionary or instance of _LabelScores", "a valid dictionary"):
            problem = problem.replace(kind, "an object")
        found = shorten(repr(error["input"]))
        raise PackageError(f"{name}: {where!r} {problem}, not {found}", remedy=f"correct {where!r}") from exc


def _is_key(part: str, value: Any) -> bool:
    """Return whether a part of pydantic's location is a key of the value, and not the name of a type in a union."""
    if isinstance(value, list):
        return any(_is_key(part, one) for one in value)
    return isinstance(value, Mapping) and (part in value or any(_is_key(part, one) for one in value.values()))
