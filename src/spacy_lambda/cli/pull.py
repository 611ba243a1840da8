"""``spacy-lambda pull``: fetch and verify a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import EndpointUrlOption, ForceOption, JsonOption, ProfileOption, RegionOption
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.cli.progress import byte_progress, hub_progress
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import megabytes
from spacy_lambda.core.location import parse_location

if TYPE_CHECKING:
    from spacy_lambda.store import Pulled


def pull(
    location: Annotated[
        str,
        typer.Argument(help="STORE/NAME@VERSION, an artifact, or hf://owner/name@revision; optionally #sha256=DIGEST."),
    ],
    out: Annotated[
        Path,
        typer.Argument(callback=writable, help="Folder for the pipeline; or a file ending in .tar, for its artifact."),
    ],
    *,
    verify_key: Annotated[
        Path | None, typer.Option(help="Require a signature made with the private half of this public key, a PEM file.")
    ] = None,
    force: ForceOption = False,
    endpoint_url: EndpointUrlOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a pipeline from a store and verify it against its digest.

    An ordinary spaCy repository on the Hub has no digest; the output then reads "not verified".

    Example: spacy-lambda pull s3://my-models/ner/en_my_pipeline@live ./pipeline
    """
    from spacy_lambda.core.source.found_artifact import S3Options
    from spacy_lambda.store import pull as pull_pipeline

    parsed = parse_location(location)
    if parsed.is_repository:
        hub_progress(quiet=as_json)
    with byte_progress(quiet=as_json) as on_step:
        pulled = pull_pipeline(
            parsed,
            out,
            s3=S3Options(endpoint_url, region, profile),
            verify_key=verify_key,
            force=force,
            on_step=on_step,
        )
    if as_json:
        result = {"path": pulled.path, "sha256": pulled.sha256, "verified": pulled.verified}
        print_json({**result, "pipeline": pulled.manifest.pipeline})
    else:
        _print(pulled, signed=verify_key is not None)


def _print(pulled: Pulled, *, signed: bool) -> None:
    manifest = pulled.manifest
    signature = ", signature valid" if signed else ""
    verified = "all verified" if pulled.verified else "not verified: this repository has no digest of an artifact"
    size = f"{count(len(manifest.files), 'file')}, {megabytes(manifest.total_bytes)}"
    print_lines(f"{pulled.path}: {size}, {verified}{signature}", f"sha256={pulled.sha256}")
