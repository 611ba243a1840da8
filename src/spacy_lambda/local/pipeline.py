"""Stage 1: PIPELINE, a folder or a package name, becomes a folder and what it needs."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from spacy_lambda.errors import LocalLambdaError


@dataclass(frozen=True)
class PipelineSource:
    """Where a pipeline's data is, and which distributions it asks for.

    :param path: The absolute path of the folder with ``config.cfg`` and ``meta.json``.
    :param requirements: Requirement strings, of ``meta.json`` and of the pipeline's own distribution.
    """

    path: Path
    requirements: tuple[str, ...]


def find_pipeline(pipeline: str | Path) -> PipelineSource:
    """Find a pipeline without loading it: loading runs the code that it names.

    :param pipeline: A directory, or the name of an installed pipeline package.
    :raises LocalLambdaError: If it is neither, or not a complete pipeline.
    """
    path = Path(pipeline)
    if path.is_dir():
        return _from_directory(path.resolve(), ())
    name = str(pipeline)
    if not name.isidentifier():
        raise _not_found(name)
    return _from_directory(_package_data(name), _own_distribution(name))


def _from_directory(path: Path, own: tuple[str, ...]) -> PipelineSource:
    missing = [name for name in ("config.cfg", "meta.json") if not (path / name).is_file()]
    if missing:
        raise LocalLambdaError(
            f"{str(path)!r} is not a spaCy pipeline: it has no {' and no '.join(missing)}",
            remedy="give the folder that nlp.to_disk() or 'spacy-lambda compile' wrote",
        )
    requirements = _read_meta(path / "meta.json").get("requirements", [])
    return PipelineSource(path, (*own, *map(str, requirements)))


def _package_data(name: str) -> Path:
    """The data folder ``lang_name-version`` inside an installed pipeline package."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise _not_found(name)
    package = Path(spec.submodule_search_locations[0])
    if not (package / "meta.json").is_file():
        raise LocalLambdaError(
            f"the installed package {name!r} is not a spaCy pipeline: it has no meta.json",
            remedy="give a pipeline directory, or the name of an installed pipeline package",
        )
    meta = _read_meta(package / "meta.json")
    return (package / f"{meta.get('lang')}_{meta.get('name')}-{meta.get('version')}").resolve()


def _own_distribution(name: str) -> tuple[str, ...]:
    """The package's own distribution: its code may register what the pipeline names."""
    try:
        return (distribution(name).metadata["Name"],)
    except PackageNotFoundError:
        return ()


def _read_meta(path: Path) -> dict[str, Any]:
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise LocalLambdaError(
            f"{str(path)!r} cannot be read as JSON: {exc}", remedy="write the pipeline again"
        ) from exc
    return meta if isinstance(meta, dict) else {}


def _not_found(name: str) -> LocalLambdaError:
    return LocalLambdaError(
        f"there is no pipeline {name!r}: no such directory, and no such installed package",
        remedy="give a pipeline directory, or the name of an installed pipeline package",
    )
