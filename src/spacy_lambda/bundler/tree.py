"""Wheels, spacy-lambda and the pipeline -> one folder, as it lies in the function."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path

import spacy_lambda
from spacy_lambda.bundler.metadata import PIPELINE_FOLDER
from spacy_lambda.bundler.shipped import shipped_files
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.wheels import install_wheels
from spacy_lambda.core.artifact.pack import left_out

__all__ = ["make_tree"]


def make_tree(wheels: Sequence[Path], ours: Distribution, pipeline: Path, target: Target, tree: Path) -> None:
    """Put everything where the function finds it.

    :param ours: spacy-lambda as it is installed here.
    :param tree: The folder, which must not exist.
    :raises BundleError: If a wheel is broken.
    """
    install_wheels(wheels, target, tree)
    package = Path(spacy_lambda.__file__).parent
    for name in shipped_files(package):
        (tree / package.name / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package / name, tree / package.name / name)
    _write_metadata(ours, tree)
    shutil.copytree(pipeline, tree / PIPELINE_FOLDER, ignore=left_out)


def _write_metadata(ours: Distribution, tree: Path) -> None:
    """spaCy finds our components by their entry points; and who passes the code on passes its licence on."""
    folder = tree / f"spacy_lambda-{ours.version}.dist-info"
    folder.mkdir()
    metadata = ours.read_text("METADATA")
    if metadata is not None:
        (folder / "METADATA").write_text(metadata, encoding="utf-8")
    (folder / "entry_points.txt").write_text(_entry_points(ours), encoding="utf-8")
    for file in ours.files or ():
        if file.parts[1:2] == ("licenses",) and file.parts[0].endswith(".dist-info"):
            (folder / "licenses").mkdir(exist_ok=True)
            shutil.copyfile(str(file.locate()), folder / "licenses" / file.name)


def _entry_points(ours: Distribution) -> str:
    """What spaCy looks for; no function has a command line."""
    groups: dict[str, list[str]] = {}
    for point in ours.entry_points:
        if point.group.startswith("spacy_"):
            groups.setdefault(point.group, []).append(f"{point.name} = {point.value}\n")
    return "\n".join(f"[{group}]\n{''.join(sorted(lines))}" for group, lines in sorted(groups.items()))
