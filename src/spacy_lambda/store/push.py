"""A pipeline -> a store."""

from __future__ import annotations

import tempfile
from dataclasses import replace as replaced
from pathlib import Path

from spacy_lambda.core.artifact.open import pipeline_folder
from spacy_lambda.core.artifact.pack import pack
from spacy_lambda.pipeline.kind import pipeline_kind
from spacy_lambda.store.protocol import OnStep, Push, Pushed, Store
from spacy_lambda.store.sign import sign_pipeline

__all__ = ["push_pipeline"]


def push_pipeline(
    pipeline: str,
    store: Store,
    *,
    aliases: tuple[str, ...] = (),
    replace: bool = False,
    sign_key: Path | None = None,
    on_step: OnStep = lambda step, done, total: None,
) -> Pushed:
    """Pack a pipeline, sign it where a key is given, and store it.

    :param pipeline: A folder, an installed package's name, a wheel, a zip or an artifact.
    :param aliases: Aliases that will point to it.
    :param replace: Replace a version that is there with other contents.
    :param sign_key: A private key; see :mod:`~spacy_lambda.store.sign`.
    :raises PipelineNotFoundError: When there is no such pipeline.
    :raises InvalidPipelineError: When its ``meta.json`` or ``config.cfg`` is not a pipeline's.
    :raises ArtifactError: When it cannot be packed, or the archive is refused.
    :raises SignatureError: When it cannot be signed.
    :raises StoreError: When the store cannot be reached, refuses, or has the version with other contents.
    """
    with pipeline_folder(pipeline) as folder, tempfile.TemporaryDirectory(prefix="spacy-lambda-") as scratch:
        kind = pipeline_kind(folder)
        packed = pack(
            folder, Path(scratch, "artifact.tar"), on_bytes=lambda done, total: on_step("packing", done, total)
        )
        signature = None
        if sign_key is not None:
            signature = Path(scratch, "model.sig")
            signature.write_bytes(sign_pipeline(folder, packed.manifest, sign_key))
        push = Push(packed=packed, folder=folder, aliases=aliases, replace=replace, signature=signature)
        return replaced(store.push(push, on_step=on_step), kind=kind, left_out=packed.left_out)
