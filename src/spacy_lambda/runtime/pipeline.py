"""Where the function's pipeline is, and loading it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from ..errors import PipelineLoadError, PipelineNotFoundError
from ..pipelines import PIPELINE_VARIABLE, find_pipeline

# First, so that spaCy is imported without its command line.
from .spacy_import import spacy  # isort: skip
from spacy.language import Language

from .component import OnnxTransformer

__all__ = ["load_pipeline", "locate_pipeline"]


def locate_pipeline(environ: Mapping[str, str] = os.environ) -> Path:
    """The directory that ``SPACY_LAMBDA_PIPELINE`` names: a path, or an installed pipeline package.

    A relative path starts at ``LAMBDA_TASK_ROOT``, the function's own folder.

    :raises PipelineLoadError: When the variable is empty or names nothing.
    """
    value = environ.get(PIPELINE_VARIABLE, "")
    if not value:
        raise PipelineLoadError(
            f"{PIPELINE_VARIABLE} is not set",
            remedy=f"set {PIPELINE_VARIABLE} to the compiled pipeline's directory",
        )
    folder = Path(environ.get("LAMBDA_TASK_ROOT", "."), value)
    try:
        return find_pipeline(folder if folder.is_dir() else value)
    except PipelineNotFoundError as exc:
        raise PipelineLoadError(
            f"{PIPELINE_VARIABLE} is {value!r}: {exc.message}",
            remedy=f"set {PIPELINE_VARIABLE} to the compiled pipeline's directory",
        ) from exc


def load_pipeline(path: Path) -> Language:
    """Load a pipeline and make it ready for the first text.

    :raises PipelineLoadError: When it does not load.
    """
    try:
        with warnings.catch_warnings():
            # Versions are pinned in the bundle; a warning on each cold start helps nobody.
            warnings.filterwarnings("ignore", message=r"\[W095\]")
            nlp: Language = spacy.load(path)
    except PipelineLoadError:
        raise
    except Exception as exc:  # whatever the pipeline's own code raises
        raise PipelineLoadError(
            f"{path} does not load: {type(exc).__name__}: {exc}",
            remedy="compile it with `spacy-lambda compile`, and bundle what its meta.json requires",
        ) from exc
    for _, component in nlp.pipeline:
        if isinstance(component, OnnxTransformer):
            component.open()
    return nlp
