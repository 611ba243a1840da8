"""``spacy-lambda push``: store a pipeline in a folder, in S3 or on the Hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spacy_lambda.cli.completion import complete_words
from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.cli.options import EndpointUrlOption, JsonOption, ProfileOption, RegionOption
from spacy_lambda.cli.progress import byte_progress, hub_progress
from spacy_lambda.core.env_names import PIPELINE_VARIABLE
from spacy_lambda.core.files import megabytes
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.core.source.layout import LATEST
from spacy_lambda.errors import LocationError

if TYPE_CHECKING:
    from spacy_lambda.store import HubOptions, Pushed

HUB = "hub"

PipelineArgument = Annotated[
    str,
    typer.Argument(help="Pipeline folder, installed package, wheel, zip or artifact."),
]
StoreArgument = Annotated[str, typer.Argument(help="./folder, s3://bucket/prefix or hf://owner/name.")]
HubPipelineArgument = Annotated[
    str | None,
    typer.Argument(hidden=True, help="Pipeline of the earlier form `push hub OWNER/NAME PIPELINE`."),
]
AliasOption = Annotated[
    list[str] | None, typer.Option(help="Point this alias to the version; repeatable. On the Hub, a tag.")
]
LatestOption = Annotated[
    bool, typer.Option(help="Point the alias latest to the version; on the Hub, its branch is the latest.")
]
ReplaceOption = Annotated[bool, typer.Option("--force", help="Replace a version that has other contents.")]
SignOption = Annotated[Path | None, typer.Option(help="Sign the artifact with this private key, a PEM file.")]
SseOption = Annotated[
    str | None,
    typer.Option(
        help="Server-side encryption in S3: AES256, aws:kms or aws:kms:dsse.",
        autocompletion=complete_words(("AES256", "aws:kms", "aws:kms:dsse")),
    ),
]
KmsKeyOption = Annotated[str | None, typer.Option(help="KMS key for aws:kms and aws:kms:dsse.")]
OriginalOption = Annotated[
    str | None,
    typer.Option(help="Hub: the original pipeline, stored at the root; the compiled one is then stored in onnx/."),
]
PublicOption = Annotated[bool, typer.Option("--public", help="Hub: create a public repository.")]
RevisionOption = Annotated[str | None, typer.Option(help="Hub: branch.", show_default="main")]
MessageOption = Annotated[str | None, typer.Option(help="Hub: commit message.")]


def push(
    pipeline: PipelineArgument,
    store: StoreArgument,
    hub_pipeline: HubPipelineArgument = None,
    *,
    alias: AliasOption = None,
    latest: LatestOption = True,
    replace: ReplaceOption = False,
    sign: SignOption = None,
    endpoint_url: EndpointUrlOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    sse: SseOption = None,
    kms_key: KmsKeyOption = None,
    original: OriginalOption = None,
    public: PublicOption = False,
    revision: RevisionOption = None,
    message: MessageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store a pipeline and print its location.

    Example: spacy-lambda push compiled s3://my-models/ner --alias live
    """
    from spacy_lambda.core.source.found_artifact import S3Options
    from spacy_lambda.store import Encryption, open_store
    from spacy_lambda.store import push as push_pipeline

    source, location = _source_and_store(pipeline, store, hub_pipeline, revision)
    if location.is_repository:
        hub_progress(quiet=as_json)
    aliases = dict.fromkeys([*(alias or []), *([LATEST] if latest and not location.is_repository else [])])
    with _hub_options(source, original, public=public, message=message) as hub:
        opened = open_store(
            location, s3=S3Options(endpoint_url, region, profile), encryption=Encryption(sse, kms_key), hub=hub
        )
        with byte_progress(quiet=as_json) as on_step:
            pushed = push_pipeline(
                source, opened, aliases=tuple(aliases), replace=replace, sign_key=sign, on_step=on_step
            )
    environ = {"AWS_ENDPOINT_URL": endpoint_url, "AWS_REGION": region, "AWS_PROFILE": profile}
    _print(pushed, source, environ, as_json=as_json)


@contextmanager
def _hub_options(source: str, original: str | None, *, public: bool, message: str | None) -> Iterator[HubOptions]:
    """Open the original pipeline, if there is one, for the options of a repository on the Hub."""
    from spacy_lambda.core.artifact.open import pipeline_folder
    from spacy_lambda.store import HubOptions

    with pipeline_folder(original) if original else nullcontext() as original_folder:
        wheel = original or source
        yield HubOptions(not public, original_folder, Path(wheel) if wheel.lower().endswith(".whl") else None, message)


def _print(pushed: Pushed, source: str, environ: Mapping[str, str | None], *, as_json: bool) -> None:
    warnings = _warnings(pushed)
    for warning in warnings:
        print_lines(f"warning: {warning}", err=True)
    if as_json:
        print_json({**vars(pushed), "warnings": warnings})
    else:
        _print_pushed(pushed, source, environ)


def _print_pushed(pushed: Pushed, source: str, environ: Mapping[str, str | None]) -> None:
    from spacy_lambda.pipeline.kind import describe_kind

    aliases = ", ".join(pushed.aliases) or "none"
    print_lines(f"{pushed.version}: {megabytes(pushed.uploaded)} sent, aliases: {aliases}")
    if pushed.left_out:
        print_lines(f"left out, as hidden or generated files: {', '.join(pushed.left_out)}", err=True)
    if pushed.page is not None:
        print_lines(pushed.page)
    if pushed.kind is not None:
        print_lines(f"kind: {describe_kind(pushed.kind, source)}")
    print_lines(f"{PIPELINE_VARIABLE}={pushed.location}")
    if pushed.kind is not None and pushed.kind.value != "original":
        print_lines(f"next: {command_line('spacy-lambda', 'serve', str(pushed.location), environ=environ)}")


def _warnings(pushed: Pushed) -> list[str]:
    """Warn of aliases that point to a pipeline which functions cannot run."""
    if pushed.kind is None or pushed.kind.value != "original" or not pushed.aliases:
        return []
    moved = ", ".join(pushed.aliases)
    warning = f"the alias {moved} now points to an original pipeline, which functions cannot run"
    return [f"{warning}; --no-latest leaves {LATEST} where it is" if LATEST in pushed.aliases else warning]


def _source_and_store(first: str, second: str, third: str | None, revision: str | None) -> tuple[str, Location]:
    """Read ``push PIPELINE STORE``, or the earlier form for the Hub, ``push hub OWNER/NAME [PIPELINE]``."""
    if first == HUB and "://" not in second:
        source, location = third or ".", parse_location(f"hf://{second}")
    elif third is not None:
        raise LocationError(
            f"unexpected argument {third!r}",
            remedy="write `push PIPELINE STORE`",
        )
    else:
        source, location = first, parse_location(second)
    if revision is None:
        return source, location
    if not location.is_repository:
        raise LocationError(f"--revision is for the Hub, not for {location}", remedy="leave it out")
    return source, location.at(revision)
