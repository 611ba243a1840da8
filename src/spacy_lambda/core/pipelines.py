"""Pipelines on disk: what a PIPELINE argument names, and its folder.

Nothing is loaded or imported here, because loading a pipeline runs the code that it names.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Literal

from spacy_lambda.core.files import StrPath
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.pipeline_meta import path_in, pipeline_name, read_meta
from spacy_lambda.errors import ArtifactError, LocationError, PipelineNotFoundError, SpacyLambdaError

__all__ = [
    "ARCHIVES",
    "BUNDLE_METADATA",
    "PipelineForm",
    "ResolvedPipeline",
    "find_pipeline",
    "is_archive",
    "is_pipeline",
    "is_stored",
    "require_outside",
    "require_replaceable",
    "resolve_pipeline",
]

PipelineForm = Literal["folder", "package", "artifact", "archive", "stored", "remote"]
"""A pipeline's folder; an installed package; an artifact's file (``.tar``); a wheel or another file; a pipeline in a
store that is a folder; a location on S3 or the Hub."""

BUNDLE_METADATA = "bundle.json"
"""The metadata of a bundle, in the same folder as the function's code; the runtime reads its ``location``."""

FILES = ("config.cfg", "meta.json")
"""Files that every pipeline has."""

ARCHIVES = (".tar", ".whl", ".zip")
"""Endings of files that hold a pipeline: an artifact, a wheel, a zip."""

OFFICIAL = re.compile(r"[a-z]{2,3}_(core|dep|ent)_[a-z]+_(sm|md|lg|trf)")
"""Names of spaCy's own pipelines."""


@dataclass(frozen=True)
class ResolvedPipeline:
    """A user's PIPELINE argument, with its form.

    :param form: The form of the reference.
    :param location: Its location; a path is as it was given, or below the base.
    """

    form: PipelineForm
    location: Location

    @property
    def has_folder(self) -> bool:
        """True if :func:`find_pipeline` finds it: nothing has to be unpacked or fetched."""
        return self.form in ("folder", "package")


def resolve_pipeline(pipeline: StrPath, *, base: Path = Path()) -> ResolvedPipeline:
    """Decide what a user's PIPELINE argument names, by what is on disk; a name that is not there is a package's.

    :param base: Folder at which a relative path begins.
    :raises LocationError: If it is not a location.
    """
    text = str(pipeline)
    location = Location("file", text) if text and _exists(base / text) else parse_location(text)
    if not location.is_local:
        return ResolvedPipeline("remote", location)
    path = base / location.path
    below = location if base == Path() else replace(location, path=str(path))
    if path.is_file():
        return ResolvedPipeline("artifact" if path.suffix.lower() == ".tar" else "archive", below)
    if is_stored(path):
        return ResolvedPipeline("stored", below)
    if path.is_dir():
        return ResolvedPipeline("folder", below)
    return ResolvedPipeline("package" if location.ref is None else "stored", location)


def find_pipeline(pipeline: StrPath) -> Path:
    """Return the folder with ``config.cfg`` and ``meta.json``.

    :param pipeline: A folder, or the name of an installed pipeline package.
    :raises PipelineNotFoundError: If it is neither, or incomplete.
    :raises InvalidPipelineError: If the package's ``meta.json`` is invalid.
    """
    folder = Path(pipeline)
    if _exists(folder) and folder.is_dir():
        return _checked(folder)
    name = str(pipeline)
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        if _exists(folder):
            raise PipelineNotFoundError(
                f"{name!r} is a file, not a pipeline's folder",
                remedy="give a pipeline folder; unpack an artifact first: spacy-lambda unpack FILE original",
            )
        raise PipelineNotFoundError(
            f"there is no pipeline {name!r}: no such folder, and no such installed package", remedy=_remedy(name)
        )
    package = Path(spec.submodule_search_locations[0])
    if not (package / "meta.json").is_file():
        raise PipelineNotFoundError(
            f"the installed package {name!r} is not a spaCy pipeline: it has no meta.json",
            remedy="give a pipeline folder, or the name of an installed pipeline package",
        )
    # `spacy package` puts the data into LANG_NAME-VERSION inside the package.
    return _checked(path_in(package, str(pipeline_name(read_meta(package / "meta.json")))))


def _remedy(name: str) -> str:
    """Return how to get a pipeline that is neither a folder nor installed."""
    package = name.replace("-", "_")
    if OFFICIAL.fullmatch(package):
        return f"python -m spacy download {package}"
    try:
        fetched = resolve_pipeline(name).form in ("remote", "stored")
    except LocationError:
        fetched = False
    if fetched:
        return f"fetch it, and give the folder: spacy-lambda pull {quote(name)} original"
    return "give a pipeline folder, or the name of an installed pipeline package"


def is_pipeline(folder: Path) -> bool:
    """Return whether a folder looks like a pipeline's; one that cannot be read does not."""
    try:
        return not _missing(folder)
    except OSError:
        return False


def require_replaceable(out: Path, *, force: bool, raises: type[SpacyLambdaError] = ArtifactError) -> None:
    """Refuse a destination that is not an empty folder, unless it is a pipeline that is to be replaced.

    :raises ArtifactError: If it is refused; ``raises``, if given.
    """
    require_outside(out, raises=raises)
    if out.is_dir() and os.path.samefile(out, os.curdir):  # the shell would stay in a folder that is gone
        raise raises(f"{out} is the current folder", remedy="name a new folder in it, or run this in another folder")
    if out.is_symlink():
        raise raises(f"{out} is a link", remedy="give the folder that it points to, or another one")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise raises(f"{out} exists", remedy="choose another folder, or replace it with --force")
    if not is_pipeline(out):
        raise raises(
            f"{out} is not a pipeline, so --force does not replace it",
            remedy="choose another folder, or remove that one yourself",
        )


def require_outside(path: Path, *, raises: type[SpacyLambdaError] = ArtifactError) -> None:
    """Refuse to write into a pipeline's folder: what is written would become part of it, and of its digest.

    :param path: A file or a folder that is to be written.
    :raises ArtifactError: If it is in one, and artifacts would not omit it; ``raises``, if given.
    """
    from spacy_lambda.core.artifact.safe_paths import is_left_out

    whole = Path(os.path.realpath(path))
    for folder in whole.parents:
        if is_pipeline(folder) and not is_left_out(whole.relative_to(folder).as_posix()):
            raise raises(
                f"{path} is in the pipeline {folder}, and would become part of it", remedy="choose another folder"
            )


def is_archive(path: str | Path) -> bool:
    """Return whether a file may be a pipeline in one file, by its name."""
    return str(path).lower().endswith(ARCHIVES)


def is_stored(folder: Path) -> bool:
    """Return whether a folder holds the versions of a pipeline in a store.

    A pipeline with a component named ``refs`` is not one: it has a ``config.cfg``.
    """
    return (folder / "refs").is_dir() and _missing(folder) == list(FILES)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a NUL byte
        return False


def _missing(folder: Path) -> list[str]:
    return [name for name in FILES if not (folder / name).is_file()]


def _checked(folder: Path) -> Path:
    missing = _missing(folder)
    if missing:
        raise PipelineNotFoundError(
            f"{str(folder)!r} is not a spaCy pipeline: it has no {' and no '.join(missing)}",
            remedy="give the folder that `spacy train` or `spacy-lambda compile` wrote, for example output/model-best",
        )
    return folder
