"""``spacy-lambda pack`` and ``unpack``: a pipeline as one verified file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import say, say_json
from spacy_lambda.cli.progress import byte_progress
from spacy_lambda.core.digest import parse_digest

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def pack(
    pipeline: Annotated[
        str, typer.Argument(help="A pipeline folder, an installed package's name, a wheel of `spacy package` or a zip.")
    ],
    out: Annotated[Path, typer.Argument(help="The artifact's file, or a folder for LANG_NAME-VERSION.tar.")] = Path(),
    *,
    as_json: JsonOption = False,
) -> None:
    """Pack a pipeline into one file, the same bytes on every machine."""
    from spacy_lambda.core.artifact.open import pipeline_folder
    from spacy_lambda.core.artifact.pack import pack as pack_folder
    from spacy_lambda.pipeline.kind import described, pipeline_kind

    with pipeline_folder(pipeline) as folder, byte_progress(quiet=as_json) as on_step:
        kind = pipeline_kind(folder)
        packed = pack_folder(folder, out, on_bytes=lambda done, total: on_step("packing", done, total))
    if as_json:
        result = {
            "path": str(packed.path),
            "sha256": packed.sha256,
            "size": packed.size,
            "kind": kind,
            "left_out": list(packed.left_out),
        }
        say_json({**result, "pipeline": packed.manifest.pipeline})
    else:
        say(f"{packed.path}: {len(packed.manifest.files)} files, {packed.size / 1e6:.1f} MB", f"sha256={packed.sha256}")
        say(f"kind: {described(kind, pipeline)}")
        if packed.left_out:
            say(f"left out, as hidden files or made by a tool: {', '.join(packed.left_out)}", err=True)


def unpack(
    artifact: Annotated[Path, typer.Argument(help="The artifact's file.")],
    out: Annotated[Path, typer.Argument(help="The pipeline's folder. It appears whole and verified, or not at all.")],
    *,
    sha256: Annotated[str | None, typer.Option(help="Refuse any artifact but the one with this digest.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Unpack an artifact into a pipeline's folder, verifying every byte."""
    from spacy_lambda.core.artifact.unpack import unpack as unpack_artifact

    digest = None if sha256 is None else parse_digest(sha256.lower(), name="--sha256")
    size = artifact.stat().st_size if artifact.is_file() else 0
    with byte_progress(quiet=as_json) as on_step:
        manifest = unpack_artifact(artifact, out, sha256=digest, on_bytes=lambda done: on_step("unpacking", done, size))
    if as_json:
        say_json({"path": str(out), "pipeline": manifest.pipeline})
    else:
        say(f"{out}: {len(manifest.files)} files, {manifest.total_bytes / 1e6:.1f} MB, all verified")
