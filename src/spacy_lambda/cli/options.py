"""Arguments and options that several commands take, each declared once: one name, one meaning, one help text."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.completion import complete_functions
from spacy_lambda.core.request_options import DOC_PARTS

__all__ = [
    "ENGINE_NAMES",
    "INCLUDE_HELP",
    "LONG_TEXT_HELP",
    "AllowHostOption",
    "CodeOption",
    "CompareOption",
    "ConfigOption",
    "EndpointUrlOption",
    "EnvOption",
    "EphemeralStorageOption",
    "ForceFileOption",
    "ForceOption",
    "FunctionArgument",
    "FunctionNameOption",
    "FunctionsArgument",
    "HostOption",
    "JsonOption",
    "MaxConcurrencyOption",
    "MemoryOption",
    "MountOption",
    "NoLimitsOption",
    "OnFailureOption",
    "PortOption",
    "ProfileOption",
    "RegionOption",
    "ReservedConcurrencyOption",
    "SampleTextsOption",
    "SnapStartOption",
    "TimeoutOption",
    "YesOption",
    "finite",
    "present_name",
    "split_list",
    "use_profile",
]


PROFILE = "AWS_PROFILE"
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


OLDER_NAMES = {
    "arch": "architecture",
    "ephemeral": "ephemeral-storage",
    "replace": "force",
    "snap-start": "snapstart",
}
"""Former names of options -> present ones, in every command that has these."""


def present_name(name: str) -> str:
    """Return the present name of an option: older ones are accepted, and listed nowhere."""
    return OLDER_NAMES.get(name, name)


def finite(value: float | None) -> float | None:
    """Refuse ``nan`` and infinity, which pass typer's ``min`` and ``max``: the callback of options that are floats.

    :raises typer.BadParameter: If the number is not finite.
    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def split_list(value: str) -> list[str]:
    """Return the words of an option that have commas between them."""
    return [one.strip() for one in value.split(",") if one.strip()]


def use_profile(ctx: typer.Context, profile: str | None) -> str | None:
    """Let boto3 and the programs that a command starts use a profile, in place of the environment's credentials.

    The callback of ``--profile``. The environment is restored when the command ends.

    :raises typer.BadParameter: If it cannot be a profile's name.
    """
    if profile is not None and (not profile.strip() or not profile.isprintable()):
        raise typer.BadParameter(f"{profile!a} is not a profile's name")
    if profile is not None and not ctx.resilient_parsing:
        names = (PROFILE, *CREDENTIALS)
        before = {name: os.environ[name] for name in names if name in os.environ}

        def restore() -> None:
            for name in names:
                os.environ.pop(name, None)
            os.environ.update(before)

        ctx.call_on_close(restore)
        for name in CREDENTIALS:  # which boto3 prefers to AWS_PROFILE
            os.environ.pop(name, None)
        os.environ[PROFILE] = profile
    return profile


ENGINE_NAMES = ("docker", "podman", "finch", "buildah")
"""Container engines, in the order in which they are looked for."""

# Every command.
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace existing output of this command; nothing else.")]
ForceFileOption = Annotated[bool, typer.Option("--force", help="Replace the output file if it exists.")]

# Commands that read the project's file or call AWS.
ConfigOption = Annotated[Path | None, typer.Option(help="The project's file.", show_default="spacy-lambda.toml")]
RegionOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="AWS region; overrides the configuration and the environment.")
]
ProfileOption = Annotated[
    str | None, typer.Option(metavar="NAME", callback=use_profile, help="Named profile of the AWS configuration.")
]
EndpointUrlOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="URL of an S3-compatible service.", show_default="AWS_ENDPOINT_URL, or AWS itself"
    ),
]
FunctionArgument = Annotated[
    str | None,
    typer.Argument(
        help="The function's name in the project.", show_default="the only one", autocompletion=complete_functions
    ),
]
FunctionsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        help="Names of functions in the project.", show_default="all of them", autocompletion=complete_functions
    ),
]

# Commands that send requests for texts.
INCLUDE_HELP = f"Parts of the Doc, with commas: {','.join(DOC_PARTS)}."
LONG_TEXT_HELP = "Treatment of texts over the limit."

# Commands that load an original pipeline.
CodeOption = Annotated[
    list[Path] | None,
    typer.Option(
        help="Python file or package that registers what the original pipeline names, as for `spacy train --code`,"
        " or a file in the same folder; repeatable."
    ),
]

# Commands that serve functions on this machine.
SampleTextsOption = Annotated[
    Path | None,
    typer.Option(
        help="Texts like those of the callers: a folder of .txt files, a .txt, .jsonl or .spacy file.",
        show_default="a built-in sample",
    ),
]
HostOption = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST", help="Accept this host name, in addition to localhost and the server's addresses; repeatable."
    ),
]
CompareOption = Annotated[str | None, typer.Option(help="Serve this one too; the page shows both side by side.")]
FunctionNameOption = Annotated[str, typer.Option(metavar="NAME", help="The function's name.")]
EnvOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Environment variable of the function, as KEY=VALUE; repeatable."),
]
TimeoutOption = Annotated[float, typer.Option(callback=finite, help="Timeout of an invocation, in seconds.")]
MemoryOption = Annotated[int, typer.Option(help="Memory size in MB; a function that uses more is killed.")]
NoLimitsOption = Annotated[
    bool,
    typer.Option("--no-limits", help="Limit neither memory, CPUs, the time of an init nor the file system."),
]
EphemeralStorageOption = Annotated[int, typer.Option(help="Size of /tmp in MB.")]
MountOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="Folder that the function can write, like a mounted EFS; may be repeated."),
]
OnFailureOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Write each asynchronous invocation that fails three times, which takes three minutes, into this folder.",
    ),
]
ReservedConcurrencyOption = Annotated[
    int | None,
    typer.Option(min=0, help="Maximum concurrency, as in Lambda: excess requests get a 429."),
]
SnapStartOption = Annotated[
    bool, typer.Option("--snapstart", help="Run the init before the first request, with the hooks of SnapStart.")
]
MaxConcurrencyOption = Annotated[
    int | None,
    typer.Option(help="Maximum concurrency; excess requests queue.", show_default="number of CPUs"),
]
