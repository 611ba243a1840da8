"""A store -> a pipeline's folder, or its artifact."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.artifact.form import Manifest
from spacy_lambda.artifact.pack import write_artifact
from spacy_lambda.artifact.unpack import unpack_stream
from spacy_lambda.artifact.verify import folder_digest
from spacy_lambda.errors import ArtifactError
from spacy_lambda.location import Location
from spacy_lambda.source.find import find_artifact
from spacy_lambda.source.found import FROM_ENVIRONMENT, S3Options
from spacy_lambda.store.hub import HubStore
from spacy_lambda.store.open import open_pipeline
from spacy_lambda.store.protocol import OnStep
from spacy_lambda.store.sign import verify_signature

__all__ = ["Pulled", "pull_pipeline"]


@dataclass(frozen=True)
class Pulled:
    """What was fetched.

    :param path: The pipeline's folder, or the artifact's file.
    :param sha256: The artifact's identity.
    :param manifest: What it holds.
    """

    path: Path
    sha256: str
    manifest: Manifest


def pull_pipeline(
    location: Location,
    out: Path,
    *,
    s3: S3Options = FROM_ENVIRONMENT,
    verify_key: Path | None = None,
    on_step: OnStep = lambda step, done, total: None,
) -> Pulled:
    """Fetch a pipeline; ``out`` appears whole and verified or not at all.

    :param out: The folder, which must not exist or be empty; or a file that ends in ``.tar``, for the artifact itself.
    :param verify_key: A public key; the pipeline must be signed with its private half.
    :raises ArtifactError: When what the store has is not what it should be, or ``out`` is taken.
    :raises SignatureError: When it is not signed by that key.
    :raises StoreError: When the store cannot be reached, refuses, or has no such pipeline.
    """
    if out.suffix == ".tar":
        with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
            pulled = _pull(location, Path(scratch, "pipeline"), s3, verify_key, on_step)
            packed = write_artifact(pulled.path, pulled.manifest, out)
        return Pulled(out, packed.sha256, packed.manifest)
    return _pull(location, out, s3, verify_key, on_step)


def _pull(location: Location, out: Path, s3: S3Options, verify_key: Path | None, on_step: OnStep) -> Pulled:
    def check(folder: Path, sha256: str) -> None:
        if verify_key is not None:
            signature = open_pipeline(location, s3=s3).signature(sha256)
            verify_signature(folder, signature, verify_key, name=str(location))

    if location.scheme == "hf":
        return _pull_from_hub(location, out, check)
    found = find_artifact(location, s3=s3)
    total = found.size or 0
    with found.open() as stream:
        extracted = unpack_stream(
            stream,
            out,
            sha256=found.sha256,
            check=check,
            on_bytes=lambda done: on_step("pulling", done, max(done, total)),
        )
    return Pulled(out, extracted.sha256, extracted.manifest)


def _pull_from_hub(location: Location, out: Path, check: Callable[[Path, str], None]) -> Pulled:
    """By huggingface_hub, with its own progress bars; what it brings is verified as any other artifact."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ArtifactError(f"{out} exists", remedy="choose another folder, or remove it first")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        pipeline, manifest, said = HubStore(location).download(Path(scratch, "repository"))
        found, expected = folder_digest(pipeline, manifest), location.sha256 or said
        if expected and found != expected:
            raise ArtifactError(
                f"{location} holds the artifact {found}, not {expected}",
                remedy="check the location and its revision; if they are right, do not use it",
            )
        check(pipeline, found)
        if out.exists():
            out.rmdir()
        os.replace(pipeline, out)
    return Pulled(out, found, manifest)
