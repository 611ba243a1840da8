"""A pipeline's function for another machine, in a temporary folder: neither slimmed nor proved, unlike a bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_lambda.bundler.pins import pin_requirements
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.tree import make_tree
from spacy_lambda.bundler.wheels import download_wheels
from spacy_lambda.core.pipeline_meta import read_meta, requirements_of

__all__ = ["target_task_root"]


@contextmanager
def target_task_root(pipeline: Path, target: Target) -> Iterator[Path]:
    """Unpack the packages of a function, in the versions that are installed here; remove them afterwards.

    :param pipeline: The compiled pipeline's folder.
    :raises BundleError: If there is no wheel for the target, or pip cannot download it.
    :raises RequirementError: If a requirement is not installed here.
    """
    pins, spacy_lambda = pin_requirements(requirements_of(read_meta(pipeline / "meta.json")), target)
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        wheels, tree = Path(scratch, "wheels"), Path(scratch, "tree")
        wheels.mkdir()
        make_tree(download_wheels(pins, target, wheels), spacy_lambda, pipeline, target, tree)
        yield tree
