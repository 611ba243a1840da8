"""``spacy-lambda pack``: a pipeline as one verified file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import ForceOption, JsonOption
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.cli.progress import byte_progress
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import megabytes


def pack(
    pipeline: Annotated[
        str, typer.Argument(help="Pipeline folder, installed package, wheel of `spacy package`, or zip.")
    ],
    out: Annotated[
        Path, typer.Argument(callback=writable, help="File of the artifact, or a folder for LANG_NAME-VERSION.tar.")
    ] = Path(),
    *,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Pack a pipeline into one file, the same bytes on every machine.

    Example: spacy-lambda pack compiled ner.tar
    """
    from spacy_lambda.core.artifact.open import pipeline_folder
    from spacy_lambda.core.artifact.pack import pack as pack_folder
    from spacy_lambda.pipeline.kind import describe_kind, pipeline_kind

    with pipeline_folder(pipeline) as folder, byte_progress(quiet=as_json) as on_step:
        kind = pipeline_kind(folder)
        packed = pack_folder(
            folder, out, replace_it=force, on_bytes=lambda done, total: on_step("packing", done, total)
        )
    manifest = packed.manifest
    if as_json:
        result = {"path": packed.path, "sha256": packed.sha256, "size": packed.size, "kind": kind}
        print_json({**result, "left_out": packed.left_out, "pipeline": manifest.pipeline})
        return
    print_lines(
        f"{packed.path}: {count(len(manifest.files), 'file')}, {megabytes(packed.size)}", f"sha256={packed.sha256}"
    )
    print_lines(f"kind: {describe_kind(kind, pipeline)}")
    if packed.left_out:
        print_lines(f"left out, as hidden or generated files: {', '.join(packed.left_out)}", err=True)
