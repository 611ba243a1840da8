"""A store -> a pipeline's folder, or its artifact."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.artifact.pack import pack, write_artifact
from spacy_lambda.core.artifact.unpack import Extracted, unpack_stream
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.store.hub import HubStore
from spacy_lambda.store.open_store import open_pipeline
from spacy_lambda.store.protocol import OnStep
from spacy_lambda.store.sign import verify_signature

__all__ = ["Pulled", "pull_pipeline"]


@dataclass(frozen=True)
class Pulled:
    """What was fetched.

    :param path: The pipeline's folder, or the artifact's file.
    :param sha256: The artifact's identity.
    :param manifest: What it holds.
    :param verified: Whether it was compared with digests that were there before: not so where an ordinary repository
        of spaCy's has none, and the location neither.
    """

    path: Path
    sha256: Digest
    manifest: Manifest
    verified: bool = True


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
        return replace(pulled, path=out, sha256=packed.sha256)
    return _pull(location, out, s3, verify_key, on_step)


def _pull(location: Location, out: Path, s3: S3Options, verify_key: Path | None, on_step: OnStep) -> Pulled:
    def check(folder: Path, extracted: Extracted) -> None:
        if verify_key is not None:
            signature = open_pipeline(location, s3=s3).signature(extracted.sha256)
            verify_signature(folder, extracted.manifest, signature, verify_key, name=str(location))

    found = find_artifact(location, s3=s3) if location.scheme != "hf" else HubStore(location).artifact()
    if found is None:
        return _pull_plain(location, out, check)
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


def _pull_plain(location: Location, out: Path, check: Callable[[Path, Extracted], None]) -> Pulled:
    """From an ordinary repository of spaCy's: by way of an artifact that is made here."""
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        folder, artifact = Path(scratch, "repository"), Path(scratch, "artifact.tar")
        HubStore(location).download(folder)
        pack(folder, artifact)
        with artifact.open("rb") as stream:
            extracted = unpack_stream(stream, out, sha256=location.sha256, check=check)
    return Pulled(out, extracted.sha256, extracted.manifest, verified=location.sha256 is not None)
