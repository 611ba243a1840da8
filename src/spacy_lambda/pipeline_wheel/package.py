"""Packaging from end to end: a copy of the pipeline with name and card, the wheel, the check of its installation."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.artifact.pack import left_out, manifest_of
from spacy_lambda.core.files import StrPath, copy_folder, replacing
from spacy_lambda.core.pipeline_meta import pipeline_name, read_meta
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.errors import InvalidPipelineError, PackageError, shorten
from spacy_lambda.pipeline.kind import pipeline_kind
from spacy_lambda.pipeline_wheel.build import build_wheel
from spacy_lambda.pipeline_wheel.card import CARD_SECTIONS, README
from spacy_lambda.pipeline_wheel.given_values import PER_TYPE, check_meta, check_scores, is_score
from spacy_lambda.pipeline_wheel.install_check import check_install

__all__ = ["META_FIELDS", "PackagedPipeline", "package_pipeline"]

META_FIELDS = ("description", "author", "email", "url", "license", "notes")
"""Fields of a card that ``meta.json`` has, too."""


@dataclass(frozen=True)
class PackagedPipeline:
    """A wheel, and its card.

    :param wheel: The wheel.
    :param card: The card, as in the wheel.
    :param name: The package's name, by which ``spacy.load`` finds it.
    :param version: Its version.
    :param size: Bytes of the wheel.
    :param sha256: The wheel's digest.
    :param requirements: What pip installs with it.
    :param installed: The distributions with which it was checked.
    """

    wheel: Path
    card: Path
    name: str
    version: str
    size: int
    sha256: str
    requirements: tuple[str, ...]
    installed: tuple[str, ...]


def package_pipeline(
    pipeline: StrPath,
    out: StrPath,
    *,
    name: str | None = None,
    version: str | None = None,
    card: Mapping[str, str] | None = None,
    meta: Mapping[str, Any] | None = None,
    scores: Mapping[str, Any] | None = None,
    force: bool = False,
    on_step: OnStep = no_progress,
) -> PackagedPipeline:
    """Make a wheel of a pipeline with a model card, and check that it runs where only its requirements are installed.

    Loading a pipeline runs the code that it names.

    :param pipeline: Folder, installed package, artifact, wheel or zip.
    :param out: Folder for the wheel and its card.
    :param name: Name of the pipeline, in place of its own.
    :param version: Version, in place of its own.
    :param card: Texts of the card by field: :data:`META_FIELDS` and the keys of :data:`.card.CARD_SECTIONS`.
    :param meta: Values for ``meta.json``.
    :param scores: Scores of an evaluation, as ``spacy-lambda evaluate --json`` and ``spacy benchmark accuracy`` write
        them; by default those of the training.
    :param force: Replace a wheel of the same name and version.
    :param on_step: Called with ``copying``, ``building`` and ``checking``.
    :raises ArtifactError: If the pipeline has links or other special files.
    :raises InvalidPipelineError: If its ``config.cfg`` or ``meta.json`` is invalid.
    :raises PackageError: If the wheel exists, cannot be built or does not run.
    """
    out, fields = Path(out), dict(card or {})
    _check_fields(fields)
    _check_name(name, version)
    if meta is not None:
        check_meta(meta, name="meta")
    if scores is not None:
        check_scores(scores, name="scores")
    with pipeline_folder(pipeline) as source, tempfile.TemporaryDirectory(prefix="spacy-lambda-") as folder:
        scratch = Path(folder)
        staged = scratch / "pipeline"
        _check_outside(out, source)
        on_step("copying", 0, 3)
        manifest_of(source)  # it refuses links, whose targets would be published
        copy_folder(source, staged, ignore=left_out)
        _write_meta(staged, {**(meta or {}), **_meta_fields(fields, name, version)}, scores)
        pipeline_kind(staged)  # its config is read, without loading it
        named = pipeline_name(read_meta(staged / "meta.json"))
        _check_free(out, str(named), force=force)
        if any(key in CARD_SECTIONS for key in fields):
            (staged / README).unlink(missing_ok=True)
        on_step("building", 1, 3)
        built = build_wheel(staged, _new(scratch / "project"), sections=fields)
        on_step("checking", 2, 3)
        installed = check_install(built, _new(scratch / "installed"))
        on_step("checking", 3, 3)
        out.mkdir(parents=True, exist_ok=True)
        wheel, card_path = out / built.name, out / f"{named}.md"
        if wheel.exists() and not force:
            raise _exists(wheel)
        (written,) = (scratch / "installed").glob(f"*/*/{README}")
        _copy(built, wheel)
        _copy(written, card_path)
    return PackagedPipeline(
        wheel=wheel,
        card=card_path,
        name=written.parents[1].name,
        version=named.version,
        size=wheel.stat().st_size,
        sha256=sha256(wheel.read_bytes()).hexdigest(),
        requirements=_requirements(wheel),
        installed=installed,
    )


def _check_fields(card: Mapping[str, str]) -> None:
    known = (*META_FIELDS, *CARD_SECTIONS)
    unknown = [key for key in card if key not in known]
    if unknown:
        raise PackageError(
            f"{unknown[0]!r} is not a field of the card",
            remedy=f"use one of {', '.join(known)}, as in use='Abstracts.'",
        )


def _check_name(name: str | None, version: str | None) -> None:
    """Refuse a name or a version that is given in place of the pipeline's own and is not safe in a file name."""
    for key, value in (("name", name), ("version", version)):
        try:
            pipeline_name({"lang": "xx", "name": "x", "version": "1", **({} if value is None else {key: value})})
        except InvalidPipelineError as exc:
            raise InvalidPipelineError(
                exc.message.replace("the pipeline's", "the given"),
                remedy="correct --name: ASCII letters, digits and '_'"
                if key == "name"
                else "correct --version, such as 1.0.0",
            ) from exc


def _write_meta(folder: Path, changes: Mapping[str, Any], scores: Mapping[str, Any] | None) -> None:
    path = folder / "meta.json"
    meta = {**read_meta(path), **changes}
    if scores is not None:
        _check_labels(scores, meta)
    performance = scores or meta.get("performance") or {}
    # Losses are no scores, and nobody needs them later.
    meta["performance"] = {key: value for key, value in performance.items() if is_score(key, value)}
    path.write_text(json.dumps(meta, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _check_labels(scores: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Refuse the scores of another pipeline: of labels of which this one has none."""
    own = {label for labels in (meta.get("labels") or {}).values() for label in labels}
    scored = {label for key, value in scores.items() if key.endswith(PER_TYPE) for label in value}
    if own and scored and not own & scored:
        raise PackageError(
            f"the scores are of labels that the pipeline does not have: {shorten(', '.join(sorted(scored)))}",
            remedy="evaluate this pipeline: spacy-lambda evaluate PIPELINE CORPUS --json > scores.json",
        )


def _meta_fields(card: Mapping[str, str], name: str | None, version: str | None) -> dict[str, str]:
    fields = {key: card[key] for key in META_FIELDS if key in card}
    given = {"name": name, "version": version}
    return fields | {key: value for key, value in given.items() if value is not None}


def _check_outside(out: Path, source: Path) -> None:
    """Refuse to write a wheel into the pipeline, which the next wheel would contain."""
    target, place = os.path.realpath(out), os.path.realpath(source)
    if target == place or target.startswith(place + os.sep):
        raise PackageError(f"{out} is, or is in, {source}, which is packaged", remedy="choose another folder")


def _check_free(out: Path, named: str, *, force: bool) -> None:
    """Refuse to replace a wheel, which may be installed or published under its name and version."""
    if os.path.lexists(out) and not out.is_dir():
        raise PackageError(f"{out} is not a folder", remedy="choose a folder for the wheel and its card")
    normal = re.sub("_+", "_", named)
    existing = [path for path in out.glob("*.whl") if path.name.startswith(f"{normal}-")] if out.is_dir() else []
    existing += [card for card in (out / f"{named}.md",) if os.path.lexists(card)]
    if existing and not force:
        raise _exists(existing[0])


def _exists(wheel: Path) -> PackageError:
    return PackageError(f"{wheel} exists", remedy="choose another version: --version; or replace it with --force")


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as file, source.open("rb") as content:
        shutil.copyfileobj(content, file)


def _requirements(wheel: Path) -> tuple[str, ...]:
    with ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        headers = HeaderParser().parsestr(archive.read(name).decode())
    return tuple(headers.get_all("Requires-Dist") or ())
