"""``spacy-lambda rm``: remove a version or an alias from a store."""

from __future__ import annotations

from typing import Annotated

import typer

from spacy_lambda.cli.confirm import confirm
from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import EndpointUrlOption, JsonOption, ProfileOption, RegionOption, YesOption
from spacy_lambda.core.files import megabytes
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import LocationError


def rm(
    location: Annotated[str, typer.Argument(help="STORE/NAME@VERSION or STORE/NAME@ALIAS; hf://owner/name@tag.")],
    *,
    yes: YesOption = False,
    endpoint_url: EndpointUrlOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a version that no alias points to, with its artifact, or an alias.

    Functions that name what is removed, also by its digest, cannot fetch it any more.

    Example: spacy-lambda rm s3://my-models/ner/en_my_pipeline@1.1.0-int8
    """
    from spacy_lambda.core.source.found_artifact import S3Options
    from spacy_lambda.store import open_pipeline

    parsed = parse_location(location)
    if parsed.ref is None or parsed.sha256 is not None:
        raise LocationError(
            f"{location} names no version and no alias", remedy=f"write {parsed.at(None)}@VERSION, without a digest"
        )
    store = open_pipeline(parsed.at(parsed.ref), s3=S3Options(endpoint_url, region, profile))
    removal = store.find_removal(parsed.ref)
    what = f"the {removal.kind} {removal.location}"
    with_artifact = f" and its artifact of {megabytes(removal.size)}" if removal.size else ""
    if not confirm(f"remove {what}{with_artifact}?", yes=yes):
        print_lines("not confirmed; nothing was removed", err=True)
        raise typer.Exit(1)
    store.remove(removal)
    if as_json:
        print_json(removal)
    else:
        print_lines(f"removed {what}{with_artifact}")
