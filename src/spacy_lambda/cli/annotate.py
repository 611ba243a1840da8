"""``spacy-lambda annotate``: a corpus as an annotated corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cli.annotate_progress import annotate_progress, announced_executions
from spacy_lambda.cli.annotate_report import cost_lines, print_estimate, print_summary
from spacy_lambda.cli.completion import complete_functions, complete_list, complete_outputs, complete_sources
from spacy_lambda.cli.confirm import confirm, require_terminal
from spacy_lambda.cli.console import print_error, print_json, print_lines
from spacy_lambda.cli.options import (
    INCLUDE_HELP,
    LONG_TEXT_HELP,
    ConfigOption,
    EndpointUrlOption,
    JsonOption,
    ProfileOption,
    RegionOption,
    YesOption,
    split_list,
)
from spacy_lambda.cli.progress import paused, progress
from spacy_lambda.core.request_options import DOC_PARTS, LongText
from spacy_lambda.corpus.choices import OUTPUT_FORMATS, SOURCE_FORMATS, EngineName, OnError
from spacy_lambda.corpus.summary import Summary
from spacy_lambda.errors import CorpusError, DeployError

if TYPE_CHECKING:
    from spacy_lambda.corpus import Estimate


def annotate(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SRC",
            help="Files, folders or quoted patterns, here or s3://bucket/prefix; '-' alone for standard input.",
        ),
    ],
    destination: Annotated[str, typer.Argument(metavar="DST", help="Folder or one file, here or s3://bucket/prefix.")],
    *,
    pipeline: Annotated[
        str | None,
        typer.Option(help="Compiled pipeline: folder, installed package, artifact or location.", show_default=False),
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(
            help="On Lambda: the function's name in the project.",
            show_default="the only one",
            autocompletion=complete_functions,
        ),
    ] = None,
    on: Annotated[
        EngineName | None,
        typer.Option(
            help="Engine: processes on this machine, invocations of a function, or Ray actors.",
            show_default="lambda with --function, else local",
        ),
    ] = None,
    include: Annotated[str, typer.Option(help=INCLUDE_HELP, autocompletion=complete_list(DOC_PARTS))] = "ents",
    labels: Annotated[
        str | None, typer.Option(help="Labels of the entities and spans to keep, with commas.", show_default="all")
    ] = None,
    long_text: Annotated[LongText, typer.Option(help=LONG_TEXT_HELP)] = "refuse",
    on_error: Annotated[
        OnError, typer.Option(help="skip writes documents with an error to a file of errors; stop ends at the first.")
    ] = "skip",
    text_column: Annotated[str, typer.Option(help="Column or key of the texts.")] = "text",
    id_column: Annotated[
        str | None, typer.Option(help="Column or key of the identifiers.", show_default="id, if there is one")
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(
            "--from",
            help=f"Format of the sources: {', '.join(SOURCE_FORMATS)}.",
            show_default="by their names",
            autocompletion=complete_sources,
        ),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--to",
            help=f"Format of the output: {', '.join(OUTPUT_FORMATS)}.",
            show_default="by its name; jsonl in a folder",
            autocompletion=complete_outputs,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of processes.", show_default="number of CPUs")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Address of a Ray cluster.", show_default="Ray is started on this machine")
    ] = None,
    config: ConfigOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    endpoint_url: EndpointUrlOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Annotate a sample, and estimate time and cost on each engine.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the results of an earlier run; no other file is replaced.")
    ] = False,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="Annotate shards again that have documents with an error.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Annotate a corpus. If it is interrupted, run the same command again to resume.

    Example: spacy-lambda annotate 'abstracts/*.jsonl' annotated --pipeline compiled
    """
    from spacy_lambda.core.source.found_artifact import S3Options

    s3 = S3Options(endpoint_url, region, profile)
    shared: dict[str, Any] = {
        "function": function,
        "include": split_list(include),
        "labels": None if labels is None else split_list(labels),
        "long_text": long_text,
        "text_column": text_column,
        "id_column": id_column,
        "input_format": input_format,
        "output_format": output_format,
        "config": config,
        "s3": s3,
        "force": force,
        "retry_errors": retry_errors,
    }
    if dry_run:
        if pipeline is None and function is None and on != "lambda":
            raise CorpusError(
                "the pipeline is missing: a sample is annotated",
                remedy="pass --pipeline to annotate the sample on this machine, or --function for a deployed function",
            )
        on_lambda = on == "lambda" and pipeline is None
        found = _estimate(
            sources, destination, quiet=as_json, pipeline=pipeline, on_lambda=on_lambda, workers=workers, **shared
        )
        if as_json:
            print_json(found.to_dict())
        else:
            print_estimate(found)
        return
    from spacy_lambda.corpus.engines.chosen import runs_on_lambda

    if runs_on_lambda(on, pipeline=pipeline, function=function) and not (yes or retry_errors):
        _require_terminal(function, config, region, profile)
        _confirm_cost(_estimate(sources, destination, quiet=as_json, on_lambda=True, **shared))
    from spacy_lambda.corpus import annotate as annotate_corpus

    with (
        annotate_progress(plain=as_json) as draw,
        announced_executions(draw) as on_progress,
    ):
        summary = annotate_corpus(
            sources,
            destination,
            pipeline=pipeline,
            on=on,
            on_error=on_error,
            workers=workers,
            ray_address=ray_address,
            on_progress=on_progress,
            on_warning=_warn,
            **shared,
        )
    if as_json:
        print_json(summary.to_dict())
    else:
        print_summary(summary)
    if 0 < summary.counts.documents == summary.counts.errors:
        print_error(_all_failed(summary))
        raise typer.Exit(1)


def _require_terminal(function: str | None, config: Path | None, region: str | None, profile: str | None) -> None:
    """Refuse to begin what cannot be confirmed; before that, report what is wrong with the function or credentials.

    With a terminal, the estimate reports these.

    :raises DeployError: If stdin or every output is not a terminal.
    """
    try:
        require_terminal(yes=False)
    except DeployError:
        from spacy_lambda.corpus.engines.deployed import find_deployed

        find_deployed(function, config=config, region=region, profile=profile)
        raise


def _warn(message: str) -> None:
    with paused():
        print_lines(f"warning: {message}", err=True)


def _all_failed(summary: Summary) -> CorpusError:
    number = summary.counts.documents
    return CorpusError(
        f"none of the {number:,} documents was annotated",
        remedy=f"see the errors in {summary.errors_path}, and annotate again with --force",
    )


def _estimate(sources: list[str], destination: str, *, quiet: bool, **options: Any) -> Estimate:
    from spacy_lambda.corpus import estimate_corpus

    with progress(quiet=quiet) as on_step:
        return estimate_corpus(sources, destination, on_step=on_step, on_warning=_warn, **options)


def _confirm_cost(found: Estimate) -> None:
    """Show the cost of a run on Lambda, and ask for confirmation if there is anything to annotate."""
    if not found.documents:
        return
    print_lines(*cost_lines(found), err=True)
    if not confirm("Annotate on Lambda?", yes=False):
        print_lines("not confirmed; nothing but the sample was sent", err=True)
        raise typer.Exit(1)
