"""``spacy-lambda ls``: the versions and aliases in a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.console import is_terminal, print_json, print_lines, print_table
from spacy_lambda.cli.options import EndpointUrlOption, JsonOption, ProfileOption, RegionOption
from spacy_lambda.core.files import megabytes
from spacy_lambda.core.location import parse_location

if TYPE_CHECKING:
    from spacy_lambda.store import StoredVersion


def ls(
    store: Annotated[str, typer.Argument(help="./folder, s3://bucket/prefix or hf://owner/name; or STORE/NAME.")],
    *,
    endpoint_url: EndpointUrlOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions and aliases in a store, with their sizes and the times (UTC) at which they were stored.

    On a terminal, digests are shortened; --json has them whole.

    Example: spacy-lambda ls s3://my-models/ner
    """
    from spacy_lambda.core.source.found_artifact import S3Options
    from spacy_lambda.store import list_versions

    versions = list_versions(parse_location(store), s3=S3Options(endpoint_url, region, profile))
    if as_json:
        print_json(versions)
    elif versions:
        print_table(["pipeline", "version", "aliases", "stored", ">size", "sha256"], map(_row, versions))
    else:
        print_lines(f"{store} holds no pipelines")


def _row(version: StoredVersion) -> Sequence[object]:
    size = "" if version.size is None else megabytes(version.size)
    digest = "" if version.sha256 is None else version.sha256
    if digest and is_terminal():
        digest = f"{digest[:12]}…"
    stored = "" if version.modified is None else f"{version.modified:%Y-%m-%d %H:%M}"
    return version.name, version.version, ", ".join(version.aliases), stored, size, digest
