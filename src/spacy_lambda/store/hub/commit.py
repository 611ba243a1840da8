"""The files of one commit in a repository on the Hub.

::

    README.md                    the model card
    en_x-0.1.0-py3-none-any.whl  for pip
    config.cfg, meta.json, ...   the pipeline, as spaCy writes it
    onnx/                        the compiled pipeline, if the root holds the original
    spacy-lambda/artifact.json   the artifact of the compiled pipeline, and its manifest, by which functions verify it
"""

from __future__ import annotations

import shutil
from pathlib import Path

from spacy_lambda.core.artifact.manifest import MANIFEST
from spacy_lambda.core.artifact.pack import left_out, manifest_of
from spacy_lambda.core.files import copy_folder
from spacy_lambda.core.pipeline_meta import read_meta
from spacy_lambda.core.source.hub import CARD, HUB_FOLDER, HubRecord
from spacy_lambda.errors import StoreError
from spacy_lambda.pipeline.kind import pipeline_kind
from spacy_lambda.pipeline_wheel.build import build_wheel
from spacy_lambda.store.hub.card import model_card
from spacy_lambda.store.protocol import Push

__all__ = ["SIGNATURE", "stage_files"]

ONNX_FOLDER = "onnx"
SIGNATURE = f"{HUB_FOLDER}/model.sig"


def stage_files(
    push: Push, scratch: Path, *, repository: str, branch_url: str, original: Path | None, wheel: Path | None
) -> Path:
    """Put all files of a commit into one folder.

    :param scratch: An empty folder.
    :param repository: ``OWNER/NAME``
    :param branch_url: The address below which the Hub will serve the files.
    :param original: The pipeline for the root; the compiled one then goes into ``onnx/``.
    :param wheel: A wheel of the root's pipeline; by default one is built.
    :returns: The folder.
    :raises PackageError: If no wheel can be built.
    :raises StoreError: If no model card can be made.
    """
    stage, build = scratch / "stage", scratch / "build"
    build.mkdir()
    inside = "" if original is None else ONNX_FOLDER
    root = original or push.folder
    # It refuses links, which would be followed here, and their targets published.
    manifest_of(root)
    copy_folder(root, stage, ignore=left_out)
    if inside:
        copy_folder(push.folder, stage / inside, ignore=left_out)
    wheel = wheel or build_wheel(root, build)
    shutil.copy(wheel, stage / wheel.name)
    _write_records(stage, push, inside)
    _write_card(stage, push, repository, f"{branch_url}/{wheel.name}")
    return stage


def _write_records(stage: Path, push: Push, inside: str) -> None:
    records = stage / HUB_FOLDER
    records.mkdir()
    if not inside and (stage / CARD).is_file():
        shutil.copy(stage / CARD, records / CARD)
    (records / MANIFEST).write_bytes(push.packed.manifest.to_bytes())
    (records / "artifact.json").write_bytes(HubRecord(push.packed.sha256, push.packed.size, inside).to_bytes())
    if push.signature is not None:
        shutil.copy(push.signature, stage / SIGNATURE)


def _write_card(stage: Path, push: Push, repository: str, wheel_url: str) -> None:
    readme = stage / CARD
    meta, compiled = read_meta(stage / "meta.json"), read_meta(push.folder / "meta.json")
    try:
        card = model_card(
            meta,
            repository=repository,
            wheel_url=wheel_url,
            sha256=push.packed.sha256,
            compiled=compiled,
            readme=readme.read_text(encoding="utf-8") if readme.is_file() else None,
            kind=pipeline_kind(push.folder),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as exc:
        raise StoreError(
            f"no model card can be written from the pipeline's meta.json: {type(exc).__name__}: {exc}",
            remedy="correct its meta.json and README.md, or write the pipeline again",
        ) from exc
    readme.write_text(card, encoding="utf-8")
