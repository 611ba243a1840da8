"""Wheels, spacy-lambda and the pipeline -> one folder, as it lies in the function."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path

import spacy_lambda
from spacy_lambda.artifact.pack import left_out
from spacy_lambda.bundler.facts import PIPELINE_FOLDER
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.wheels import install_wheels

__all__ = ["make_tree"]


def make_tree(wheels: Sequence[Path], ours: Distribution, pipeline: Path, target: Target, tree: Path) -> None:
    """Put everything where the function finds it.

    :param ours: spacy-lambda as it is installed here.
    :param tree: The folder, which must not exist.
    :raises BundleError: If a wheel is broken.
    """
    install_wheels(wheels, target, tree)
    package = Path(spacy_lambda.__file__).parent
    shutil.copytree(package, tree / package.name, ignore=left_out)
    _write_metadata(ours, tree)
    shutil.copytree(pipeline, tree / PIPELINE_FOLDER, ignore=left_out)


def _write_metadata(ours: Distribution, tree: Path) -> None:
    """spaCy finds our components by their entry points; and who passes the code on passes its licence on."""
    folder = tree / f"spacy_lambda-{ours.version}.dist-info"
    folder.mkdir()
    for name in ("METADATA", "entry_points.txt"):
        text = ours.read_text(name)
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
    for file in ours.files or ():
        if file.parts[1:2] == ("licenses",) and file.parts[0].endswith(".dist-info"):
            (folder / "licenses").mkdir(exist_ok=True)
            shutil.copyfile(str(file.locate()), folder / "licenses" / file.name)
