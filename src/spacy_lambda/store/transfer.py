"""Transfer of pipelines into a store and out of one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path

from spacy_lambda.core.artifact.extract import Extracted
from spacy_lambda.core.artifact.manifest import Manifest
from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.artifact.pack import pack, require_new, write_artifact
from spacy_lambda.core.artifact.unpack import unpack_stream
from spacy_lambda.core.digest import Digest
from spacy_lambda.core.files import StrPath
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.pipelines import require_replaceable
from spacy_lambda.core.progress import OnStep, no_progress
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.found_artifact import FROM_ENVIRONMENT, S3Options
from spacy_lambda.pipeline.kind import pipeline_kind
from spacy_lambda.store.factory import open_pipeline, open_store
from spacy_lambda.store.hub.hub_store import HubStore
from spacy_lambda.store.protocol import Push, Pushed, Store
from spacy_lambda.store.signature import sign_pipeline, verify_signature

__all__ = ["Pulled", "pull", "push"]


def push(
    pipeline: StrPath,
    store: Store | Location | str,
    *,
    aliases: tuple[str, ...] = (),
    replace: bool = False,
    sign_key: StrPath | None = None,
    on_step: OnStep = no_progress,
) -> Pushed:
    """Pack a pipeline, sign it if a key is given, and store it.

    :param pipeline: A folder, an installed package's name, a wheel, a zip or an artifact.
    :param store: A store, or the location of one, such as ``s3://models/ner``.
    :param aliases: Aliases that will point to it.
    :param replace: Replace a version that exists with other contents.
    :param sign_key: A private key; see :mod:`~spacy_lambda.store.signature`.
    :param on_step: Called with a step's name, the bytes done, and their total.
    :raises LocationError: If the location is invalid, or names something in a store.
    :raises PipelineNotFoundError: If the pipeline does not exist.
    :raises InvalidPipelineError: If its ``meta.json`` or ``config.cfg`` is invalid.
    :raises ArtifactError: If it cannot be packed, or the archive is refused.
    :raises SignatureError: If it cannot be signed.
    :raises StoreError: If the store cannot be reached, refuses, or has the version with other contents.
    """
    opened = open_store(_parsed(store)) if isinstance(store, str | Location) else store
    with pipeline_folder(pipeline) as folder, tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        kind = pipeline_kind(folder)
        packed = pack(
            folder, Path(scratch, "artifact.tar"), on_bytes=lambda done, total: on_step("packing", done, total)
        )
        signature = None
        if sign_key is not None:
            signature = Path(scratch, "model.sig")
            signature.write_bytes(sign_pipeline(folder, packed.manifest, Path(sign_key)))
        request = Push(
            packed=packed, folder=folder, aliases=aliases, replace=replace, signature=signature, source=str(pipeline)
        )
        return replaced(opened.push(request, on_step=on_step), kind=kind, left_out=packed.left_out)


@dataclass(frozen=True)
class Pulled:
    """A pipeline that was fetched.

    :param path: The pipeline's folder, or the artifact's file.
    :param sha256: The artifact's identity.
    :param manifest: The artifact's manifest.
    :param verified: ``True`` if it was compared with a known digest; ``False`` for an ordinary spaCy repository, which
        has none, fetched by a location without one.
    """

    path: Path
    sha256: Digest
    manifest: Manifest
    verified: bool = True


def pull(
    location: Location | str,
    out: StrPath,
    *,
    s3: S3Options = FROM_ENVIRONMENT,
    verify_key: StrPath | None = None,
    force: bool = False,
    on_step: OnStep = no_progress,
) -> Pulled:
    """Fetch a pipeline; ``out`` appears whole and verified or not at all.

    :param location: Such as ``s3://models/ner/en_my_pipeline@live``.
    :param out: The folder, which must not exist or be empty; or a file that ends in ``.tar``, for the artifact itself.
    :param s3: Options of S3.
    :param verify_key: A public key; the pipeline must be signed with its private half.
    :param force: Replace ``out`` if it is a pipeline or a file.
    :param on_step: Called with a step's name, the bytes done, and their total.
    :raises ArtifactError: If the stored bytes do not match their digests, or ``out`` exists.
    :raises SignatureError: If it is not signed by that key.
    :raises StoreError: If the store cannot be reached, refuses, or has no such pipeline.
    """
    source, out, key = _parsed(location), Path(out), None if verify_key is None else Path(verify_key)
    if out.suffix.lower() == ".tar":
        if not force:
            require_new(out)
        with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
            pulled = _pull(source, Path(scratch, "pipeline"), s3, key, on_step, force=False)
            packed = write_artifact(pulled.path, pulled.manifest, out)
        return replaced(pulled, path=out, sha256=packed.sha256)
    # Before the artifact is fetched.
    require_replaceable(out, force=force)
    return _pull(source, out, s3, key, on_step, force=force)


def _parsed(location: Location | str) -> Location:
    return parse_location(location) if isinstance(location, str) else location


def _pull(
    location: Location, out: Path, s3: S3Options, verify_key: Path | None, on_step: OnStep, *, force: bool
) -> Pulled:
    def check(folder: Path, extracted: Extracted) -> None:
        if verify_key is not None:
            signature = open_pipeline(location, s3=s3).signature(extracted.sha256)
            verify_signature(folder, extracted.manifest, signature, verify_key, name=str(location))

    found = HubStore(location).artifact() if location.is_repository else find_artifact(location, s3=s3)
    if found is None:
        return _pull_unpacked(location, out, check, force=force)
    total = found.size or 0
    with found.open() as stream:
        extracted = unpack_stream(
            stream,
            out,
            sha256=found.sha256,
            check=check,
            force=force,
            on_bytes=lambda done: on_step("pulling", done, max(done, total)),
        )
    return Pulled(out, extracted.sha256, extracted.manifest)


def _pull_unpacked(location: Location, out: Path, check: Callable[[Path, Extracted], None], *, force: bool) -> Pulled:
    """Fetch an ordinary spaCy repository, by way of an artifact that is packed here."""
    with tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        folder, artifact = Path(scratch, "repository"), Path(scratch, "artifact.tar")
        HubStore(location).download(folder)
        pack(folder, artifact)
        with artifact.open("rb") as stream:
            extracted = unpack_stream(stream, out, sha256=location.sha256, check=check, force=force)
    return Pulled(out, extracted.sha256, extracted.manifest, verified=location.sha256 is not None)
