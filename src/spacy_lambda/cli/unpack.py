"""``spacy-lambda unpack``: an artifact as a pipeline's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import ForceOption, JsonOption
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.cli.progress import byte_progress
from spacy_lambda.core.counts import count
from spacy_lambda.core.digest import parse_digest
from spacy_lambda.core.files import megabytes


def unpack(
    artifact: Annotated[Path, typer.Argument(help="File of the artifact.")],
    out: Annotated[
        Path,
        typer.Argument(
            callback=writable, help="Folder for the pipeline; it appears whole and verified, or not at all."
        ),
    ],
    *,
    sha256: Annotated[str | None, typer.Option(help="Require this digest.")] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Unpack an artifact into a pipeline's folder, verifying every byte.

    Example: spacy-lambda unpack ner.tar pipeline
    """
    from spacy_lambda.core.artifact.unpack import unpack as unpack_artifact

    digest = None if sha256 is None else parse_digest(sha256.lower(), name="--sha256")
    size = artifact.stat().st_size if artifact.is_file() else 0
    with byte_progress(quiet=as_json) as on_step:
        manifest = unpack_artifact(
            artifact, out, sha256=digest, force=force, on_bytes=lambda done: on_step("unpacking", done, size)
        )
    if as_json:
        print_json({"path": out, "pipeline": manifest.pipeline})
    else:
        print_lines(f"{out}: {count(len(manifest.files), 'file')}, {megabytes(manifest.total_bytes)}, all verified")
