"""``spacy-lambda package``: a pipeline as a wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spacy_lambda.cli.console import print_json, print_lines
from spacy_lambda.cli.next_command import command_line
from spacy_lambda.cli.options import ForceOption, JsonOption
from spacy_lambda.cli.output_paths import writable
from spacy_lambda.cli.progress import stages
from spacy_lambda.core.counts import count
from spacy_lambda.core.files import megabytes, read_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.errors import PackageError

MAX_SECTION = 100_000
"""Maximum bytes of a text of the card."""


def package(
    pipeline: Annotated[str, typer.Argument(help="Pipeline folder, installed package, artifact, wheel or zip.")],
    out: Annotated[
        Path, typer.Argument(callback=writable, metavar="OUTDIR", help="Folder for the wheel and its model card.")
    ],
    *,
    name: Annotated[
        str | None, typer.Option(help="Name of the pipeline, such as materials.", show_default="the pipeline's")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Version of the wheel.", show_default="the pipeline's")] = None,
    card: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=TEXT|@FILE",
            help="Text of the model card: description, author, email, url, license, notes, use, data, limitations or"
            " citation; repeatable.",
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Scores for the card: JSON of `spacy-lambda evaluate --json` or `spacy benchmark accuracy`.",
            show_default="those of the training",
        ),
    ] = None,
    meta: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON object with values for meta.json, such as sources.")
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Package a pipeline as a wheel with a model card, and check that it runs with its requirements alone.

    Loading a pipeline runs the code that it names: package only what you trust.

    Example: spacy-lambda package compiled dist --name materials --version 1.0.0 --card license=MIT
    """
    from spacy_lambda.pipeline_wheel import package_pipeline
    from spacy_lambda.pipeline_wheel.given_values import check_meta, check_scores, read_object

    values, given = (None if path is None else read_object(path) for path in (meta, scores))
    if values is not None:
        check_meta(values, name=str(meta))
    if given is not None:
        check_scores(given, name=str(scores))
    with stages(quiet=as_json) as on_step:
        packaged = package_pipeline(
            pipeline,
            out,
            name=name,
            version=version,
            card=dict(map(_field, card or ())),
            meta=values,
            scores=given,
            force=force,
            on_step=on_step,
        )
    if as_json:
        print_json(packaged)
        return
    print_lines(
        f"{packaged.wheel}: {packaged.name} {packaged.version}, {megabytes(packaged.size)}",
        f"  sha256={packaged.sha256}",
        f"  requires: {', '.join(packaged.requirements) or 'nothing'}",
        f"  checked with {count(len(packaged.installed), 'distribution')} and nothing else",
        f"card: {packaged.card}",
        f"next: {command_line('pip', 'install', packaged.wheel)}",
    )


def _field(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise PackageError(f"--card {text!r} has no '='", remedy="write FIELD=TEXT, such as license=MIT")
    return key, _file_text(key, value[1:]) if value.startswith("@") else value


def _file_text(key: str, name: str) -> str:
    if not name:
        raise PackageError(f"--card {key}=@ names no file", remedy=f"write --card {key}=@FILE or {key}=TEXT")
    try:
        return read_file(Path(name), limit=MAX_SECTION).decode("utf-8")
    except OSError as exc:
        problem, remedy = system_reason(exc), f"name a file of at most {MAX_SECTION:,} bytes, or write {key}=TEXT"
        raise PackageError(f"--card {key}=@{name}: {problem}", remedy=remedy) from exc
    except UnicodeDecodeError as exc:
        raise PackageError(f"--card {key}=@{name}: the file is not UTF-8", remedy="save it as UTF-8") from exc
