"""``spacy-lambda push``, ``pull``, ``ls`` and ``alias``: pipelines in a folder, in S3, on the Hub."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cli.console import say, say_json, say_table
from spacy_lambda.cli.progress import byte_progress
from spacy_lambda.core.env_names import PIPELINE_VARIABLE
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.source.layout import LATEST
from spacy_lambda.errors import LocationError

if TYPE_CHECKING:
    from spacy_lambda.store.protocol import Pushed, StoredVersion

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
EndpointOption = Annotated[
    str | None, typer.Option(help="Of a service that speaks S3; without it, AWS, or AWS_ENDPOINT_URL.")
]
RegionOption = Annotated[str | None, typer.Option(help="AWS region.")]
ProfileOption = Annotated[str | None, typer.Option(help="Named profile of the AWS configuration.")]

HUB = "hub"


def push(
    pipeline: Annotated[
        str,
        typer.Argument(help="A folder, an installed package's name, a wheel, a zip or an artifact; or the word hub."),
    ],
    store: Annotated[
        str, typer.Argument(help="./folder, s3://bucket/prefix or hf://owner/name; after the word hub, OWNER/NAME.")
    ],
    hub_pipeline: Annotated[
        str | None,
        typer.Argument(metavar="[PIPELINE]", help="After hub OWNER/NAME: the pipeline.", show_default="this folder"),
    ] = None,
    *,
    alias: Annotated[
        list[str] | None, typer.Option(help="An alias that will point to it; repeatable. On the Hub, a tag.")
    ] = None,
    latest: Annotated[bool, typer.Option(help="Let the alias latest point to it; the Hub's is its branch.")] = True,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a version that has other contents.")] = False,
    sign: Annotated[Path | None, typer.Option(help="Sign it with this private key, a PEM file.")] = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    sse: Annotated[
        str | None, typer.Option(help="Server-side encryption in S3: AES256, aws:kms or aws:kms:dsse.")
    ] = None,
    kms_key: Annotated[str | None, typer.Option(help="The key for aws:kms.")] = None,
    original: Annotated[
        str | None,
        typer.Option(help="Hub: the pipeline that was compiled, for the root; the compiled one goes into onnx/."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Hub: create the repository for everybody to see.")] = False,
    revision: Annotated[str | None, typer.Option(help="Hub: the branch.", show_default="main")] = None,
    message: Annotated[str | None, typer.Option(help="Hub: the commit's message.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Store a pipeline, and print the location that a function takes."""
    from spacy_lambda.core.artifact.open import pipeline_folder
    from spacy_lambda.core.source.readable import S3Options
    from spacy_lambda.pipeline.kind import described
    from spacy_lambda.store.hub import HubOptions
    from spacy_lambda.store.open_store import open_store
    from spacy_lambda.store.push import push_pipeline
    from spacy_lambda.store.s3 import Encryption

    source, location = _source_and_store(pipeline, store, hub_pipeline, revision)
    if location.scheme == "hf":
        _quiet_hub(quiet=as_json)
    aliases = dict.fromkeys([*(alias or []), *([LATEST] if latest and location.scheme != "hf" else [])])
    with pipeline_folder(original) if original else nullcontext() as original_folder:
        wheels = [Path(path) for path in (original or source,) if path.endswith(".whl")]
        opened = open_store(
            location,
            s3=S3Options(endpoint_url, region, profile),
            encryption=Encryption(sse, kms_key),
            hub=HubOptions(not public, original_folder, wheels[0] if wheels else None, message),
        )
        with byte_progress(quiet=as_json) as on_step:
            pushed = push_pipeline(
                source, opened, aliases=tuple(aliases), replace=replace, sign_key=sign, on_step=on_step
            )
    warnings = _warnings(pushed)
    result = {**asdict(pushed), "location": str(pushed.location), "warnings": warnings}
    for warning in warnings:
        say(f"warning: {warning}", err=True)
    if as_json:
        say_json(result)
        return
    say(f"{pushed.version}: {pushed.uploaded / 1e6:.1f} MB sent, aliases: {', '.join(pushed.aliases) or 'none'}")
    if pushed.left_out:
        say(f"left out, as hidden files or made by a tool: {', '.join(pushed.left_out)}", err=True)
    if pushed.page is not None:
        say(pushed.page)
    if pushed.kind is not None:
        say(f"kind: {described(pushed.kind, source)}")
    say(f"{PIPELINE_VARIABLE}={pushed.location}")


def pull(
    location: Annotated[
        str,
        typer.Argument(help="STORE/NAME@VERSION, an artifact, or hf://owner/name@revision; with or without #sha256=."),
    ],
    out: Annotated[Path, typer.Argument(help="The pipeline's folder; or a file that ends in .tar, for the artifact.")],
    *,
    verify_key: Annotated[
        Path | None, typer.Option(help="Take it only if it is signed with the private half of this key, a PEM file.")
    ] = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a pipeline from a store, verifying every byte; it says so where there is nothing to compare with."""
    from spacy_lambda.core.source.readable import S3Options
    from spacy_lambda.store.pull import pull_pipeline

    parsed = parse_location(location)
    if parsed.scheme == "hf":
        _quiet_hub(quiet=as_json)
    with byte_progress(quiet=as_json) as on_step:
        pulled = pull_pipeline(
            parsed,
            out,
            s3=S3Options(endpoint_url, region, profile),
            verify_key=verify_key,
            on_step=on_step,
        )
    manifest = pulled.manifest
    if as_json:
        result = {"path": str(pulled.path), "sha256": pulled.sha256, "verified": pulled.verified}
        say_json({**result, "pipeline": manifest.pipeline})
    else:
        signed = ", signature valid" if verify_key is not None else ""
        verified = "all verified" if pulled.verified else "not verified: this repository has no artifact's digest"
        say(f"{pulled.path}: {len(manifest.files)} files, {manifest.total_bytes / 1e6:.1f} MB, {verified}{signed}")
        say(f"sha256={pulled.sha256}")


def ls(
    store: Annotated[str, typer.Argument(help="./folder, s3://bucket/prefix, hf://owner/name, or STORE/NAME.")],
    *,
    endpoint_url: EndpointOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions and aliases in a store."""
    from spacy_lambda.core.source.readable import S3Options
    from spacy_lambda.store.open_store import list_versions

    versions = list_versions(parse_location(store), s3=S3Options(endpoint_url, region, profile))
    if as_json:
        say_json([_as_dict(version) for version in versions])
    elif versions:
        _print_table(versions)
    else:
        say(f"{store} holds no pipelines")


def alias(
    location: Annotated[str, typer.Argument(help="STORE/NAME@VERSION, or hf://owner/name@revision.")],
    name: Annotated[str, typer.Argument(help="The alias, for example live.")],
    *,
    endpoint_url: EndpointOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an alias point to a version: functions that name the alias load that version from their next start on."""
    from spacy_lambda.core.source.readable import S3Options
    from spacy_lambda.store.open_store import open_pipeline

    parsed = parse_location(location)
    if parsed.ref is None:
        raise LocationError(f"{location} names no version", remedy=f"write {location}@VERSION")
    moved = open_pipeline(parsed, s3=S3Options(endpoint_url, region, profile)).move_alias(parsed.ref, name)
    if as_json:
        say_json(_as_dict(moved))
    else:
        say(f"{moved.location} is now {moved.version} (sha256={moved.sha256})")


def _warnings(pushed: Pushed) -> list[str]:
    """What a push did that functions will not bear."""
    if pushed.kind is None or pushed.kind.value != "original" or not pushed.aliases:
        return []
    moved = ", ".join(pushed.aliases)
    told = f"what the alias {moved} points to now is an original, which no function runs"
    return [f"{told}; --no-latest leaves {LATEST} where it is" if LATEST in pushed.aliases else told]


def _source_and_store(first: str, second: str, third: str | None, revision: str | None) -> tuple[str, Location]:
    """``push PIPELINE STORE``, or ``push hub OWNER/NAME [PIPELINE]``."""
    if first == HUB and "://" not in second:
        source, location = third or ".", parse_location(f"hf://{second}")
    elif third is not None:
        raise LocationError(
            f"there is one word too many: {third!r}",
            remedy="write `push PIPELINE STORE` or `push hub OWNER/NAME PIPELINE`",
        )
    else:
        source, location = first, parse_location(second)
    if revision is None:
        return source, location
    if location.scheme != "hf":
        raise LocationError(f"--revision is for the Hub, not for {location}", remedy="leave it out")
    return source, location.at(revision)


def _quiet_hub(*, quiet: bool) -> None:
    """Draw huggingface_hub's own bars only where ours would be."""
    if quiet or not sys.stderr.isatty():
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()


def _as_dict(version: StoredVersion) -> dict[str, Any]:
    return {**asdict(version), "location": str(version.location)}


def _print_table(versions: list[StoredVersion]) -> None:
    say_table(["pipeline", "version", "aliases", ">size", "sha256"], map(_row, versions))


def _row(version: StoredVersion) -> Sequence[object]:
    size = "" if version.size is None else f"{version.size / 1e6:,.1f} MB"
    digest = "" if version.sha256 is None else f"{version.sha256[:12]}…"
    return version.name, version.version, ", ".join(version.aliases), size, digest
