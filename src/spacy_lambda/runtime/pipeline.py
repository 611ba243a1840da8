"""Where the function's pipeline is, and loading it."""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from ..errors import PipelineLoadError

# First, so that spaCy is imported without its command line.
from .spacy_import import spacy  # isort: skip
from spacy.language import Language

from .component import OnnxTransformer

__all__ = ["PIPELINE_VARIABLE", "load_pipeline", "locate_pipeline"]

PIPELINE_VARIABLE = "SPACY_LAMBDA_PIPELINE"


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
    path = Path(environ.get("LAMBDA_TASK_ROOT", "."), value)
    if path.is_dir():
        return path
    if value.isidentifier() and (spec := importlib.util.find_spec(value)) and spec.origin:
        found = sorted(Path(spec.origin).parent.glob("*/config.cfg"))
        if found:
            return found[0].parent
    raise PipelineLoadError(
        f"{PIPELINE_VARIABLE} is {value!r}: no such directory, and no installed pipeline package",
        remedy=f"set {PIPELINE_VARIABLE} to the compiled pipeline's directory",
    )


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
