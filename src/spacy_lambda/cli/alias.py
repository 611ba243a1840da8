"""``spacy-lambda alias``: move an alias in a store."""

from __future__ import annotations

from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.options import EndpointUrlOption, JsonOption, ProfileOption, RegionOption
from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import LocationError


def alias(
    location: Annotated[str, typer.Argument(help="STORE/NAME@VERSION, or hf://owner/name@revision.")],
    name: Annotated[str, typer.Argument(help="The alias, such as live.")],
    *,
    endpoint_url: EndpointUrlOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Point an alias to a version; functions that name the alias load it at their next init.

    Example: spacy-lambda alias s3://my-models/ner/en_my_pipeline@1.2.0-int8 live
    """
    from spacy_lambda.core.source.found_artifact import S3Options
    from spacy_lambda.store import open_pipeline

    parsed = parse_location(location)
    if parsed.ref is None:
        raise LocationError(f"{location} names no version", remedy=f"write {location}@VERSION")
    moved = open_pipeline(parsed, s3=S3Options(endpoint_url, region, profile)).move_alias(parsed.ref, name)
    if as_json:
        print_json(moved)
    else:
        print_lines(f"{moved.location} is now {moved.version} (sha256={moved.sha256})")
