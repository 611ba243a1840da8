"""A bundle's folder: wheels, the runtime and the pipeline, laid out as in the function; and the zip of it.

Both are reproducible: the same files have the same modes, dates and order.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path
from time import gmtime

import spacy_lambda
from spacy_lambda.bundler.metadata import PIPELINE_FOLDER
from spacy_lambda.bundler.target import Target
from spacy_lambda.bundler.wheels import install_wheels
from spacy_lambda.core.artifact.pack import left_out
from spacy_lambda.core.files import ARCHIVE_TIME, copy_folder

__all__ = ["SHIPPED_FOLDERS", "SHIPPED_MODULES", "make_tree", "set_modes", "shipped_files", "write_zip"]

SHIPPED_MODULES = ("__init__.py", "errors.py")
"""Modules of spacy-lambda that go into a function."""

SHIPPED_FOLDERS = ("core", "runtime")
"""Packages of spacy-lambda that go into a function, with all their modules and data, such as the page's."""

SKIPPED = ("__pycache__",)

COMPRESSION = 6
"""Level of DEFLATE; 9 takes more than twice as long, for 0.4 % of the size."""

FILE_MODE, PROGRAM_MODE = 0o644, 0o755
REGULAR = 0o100000


def shipped_files(package: Path) -> tuple[str, ...]:
    """Return the files of spacy-lambda that go into a function: paths below the package's folder, sorted.

    :param package: The folder of ``spacy_lambda``.
    """
    inside = (path.relative_to(package) for name in SHIPPED_FOLDERS for path in (package / name).rglob("*"))
    found = (path.as_posix() for path in inside if not {*path.parts} & {*SKIPPED} and (package / path).is_file())
    return tuple(sorted((*SHIPPED_MODULES, *found)))


def make_tree(wheels: Sequence[Path], dist: Distribution, pipeline: Path, target: Target, tree: Path) -> None:
    """Unpack and copy all files to their places in the function.

    :param dist: spacy-lambda as installed here.
    :param tree: The folder, which must not exist.
    :raises BundleError: If a wheel is broken.
    """
    install_wheels(wheels, target, tree)
    package = Path(spacy_lambda.__file__).parent
    for name in shipped_files(package):
        (tree / package.name / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package / name, tree / package.name / name)
    _write_distribution(dist, tree)
    copy_folder(pipeline, tree / PIPELINE_FOLDER, ignore=left_out)


def set_modes(tree: Path) -> None:
    """Make everything readable for all: Lambda runs the function as another user."""
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for file in files:
            Path(folder, file).chmod(_mode(file))


def write_zip(tree: Path, out: Path) -> None:
    """Write every file, sorted by path, with the same date and its mode."""
    with zipfile.ZipFile(out, "x") as archive:
        for name in sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(name, gmtime(ARCHIVE_TIME)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (REGULAR | _mode(name)) << 16
            archive.writestr(entry, (tree / name).read_bytes(), compresslevel=COMPRESSION)


def _mode(name: str) -> int:
    return PROGRAM_MODE if name.endswith(".so") else FILE_MODE


def _write_distribution(dist: Distribution, tree: Path) -> None:
    """Write spacy-lambda's metadata: entry points, by which spaCy finds its components, and licences."""
    folder = tree / f"spacy_lambda-{dist.version}.dist-info"
    folder.mkdir()
    metadata = dist.read_text("METADATA")
    if metadata is not None:
        (folder / "METADATA").write_text(metadata, encoding="utf-8")
    (folder / "entry_points.txt").write_text(_entry_points(dist), encoding="utf-8")
    for file in dist.files or ():
        if file.parts[1:2] == ("licenses",) and file.parts[0].endswith(".dist-info"):
            (folder / "licenses").mkdir(exist_ok=True)
            shutil.copyfile(str(file.locate()), folder / "licenses" / file.name)


def _entry_points(dist: Distribution) -> str:
    """Return the entry points that spaCy reads; a function has no command line."""
    groups: dict[str, list[str]] = {}
    for point in dist.entry_points:
        if point.group.startswith("spacy_"):
            groups.setdefault(point.group, []).append(f"{point.name} = {point.value}\n")
    return "\n".join(f"[{group}]\n{''.join(sorted(lines))}" for group, lines in sorted(groups.items()))
