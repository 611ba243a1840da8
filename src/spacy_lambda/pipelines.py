"""Where a pipeline is: a directory, or the name of an installed pipeline package.

Nothing is loaded or imported here, for loading a pipeline runs the code that it names. Standard library only: both
sides look for pipelines.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from .errors import PipelineNotFoundError

__all__ = ["BUNDLE_FACTS", "PIPELINE_VARIABLE", "find_pipeline", "read_meta"]

PIPELINE_VARIABLE = "SPACY_LAMBDA_PIPELINE"
"""The environment variable that names the function's pipeline."""

BUNDLE_FACTS = "bundle.json"
"""What a bundle says of itself, beside the function's code; of it the runtime reads ``location``."""


def find_pipeline(pipeline: str | Path) -> Path:
    """The directory with ``config.cfg`` and ``meta.json``.

    :param pipeline: A directory, or the name of an installed pipeline package.
    :raises PipelineNotFoundError: When it is neither, or not a whole pipeline.
    """
    folder = Path(pipeline)
    if folder.is_dir():
        return _checked(folder)
    name = str(pipeline)
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise PipelineNotFoundError(
            f"there is no pipeline {name!r}: no such directory, and no such installed package",
            remedy="give a pipeline directory, or the name of an installed pipeline package",
        )
    package = Path(spec.submodule_search_locations[0])
    if not (package / "meta.json").is_file():
        raise PipelineNotFoundError(
            f"the installed package {name!r} is not a spaCy pipeline: it has no meta.json",
            remedy="give a pipeline directory, or the name of an installed pipeline package",
        )
    meta = read_meta(package / "meta.json")
    # `spacy package` puts the data into LANG_NAME-VERSION inside the package.
    return _checked(package / f"{meta.get('lang')}_{meta.get('name')}-{meta.get('version')}")


def read_meta(path: Path) -> dict[str, Any]:
    """Read a ``meta.json``.

    :raises PipelineNotFoundError: When it cannot be read.
    """
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise PipelineNotFoundError(
            f"{str(path)!r} cannot be read as JSON: {exc}", remedy="write the pipeline again"
        ) from exc
    return meta if isinstance(meta, dict) else {}


def _checked(folder: Path) -> Path:
    missing = [name for name in ("config.cfg", "meta.json") if not (folder / name).is_file()]
    if missing:
        raise PipelineNotFoundError(
            f"{str(folder)!r} is not a spaCy pipeline: it has no {' and no '.join(missing)}",
            remedy="give the folder that `spacy train` or `spacy-lambda compile` wrote, for example output/model-best",
        )
    return folder
