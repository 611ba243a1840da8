"""``spacy-lambda annotate``: a corpus as an annotated corpus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_lambda.cli.annotate_progress import annotate_progress, announced_executions
from spacy_lambda.cli.completion import complete_functions, complete_list, complete_outputs, complete_sources
from spacy_lambda.cli.confirm import confirm, require_terminal
from spacy_lambda.cli.console import print_error, print_json, print_lines, print_table, print_wrapped
from spacy_lambda.cli.end_signals import interrupted_by_signals
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
from spacy_lambda.cli.progress import duration, paused, progress
from spacy_lambda.core.counts import count
from spacy_lambda.core.request_options import DOC_PARTS, LongText
from spacy_lambda.corpus.choices import HERE, OUTPUT_FORMATS, SOURCE_FORMATS, EngineName, OnError
from spacy_lambda.corpus.duplicates import MAX_IDS, Duplicates
from spacy_lambda.corpus.summary import Summary
from spacy_lambda.errors import CorpusError, DeployError

if TYPE_CHECKING:
    from spacy_lambda.corpus import Estimate

REASONS = 3
"""Reasons of errors that the summary shows."""

UNITS = {"local": ("process", "processes"), "ray": ("actor", "actors"), "lambda": ("invocation", "invocations")}
"""Names of the units of engines, for one and for several."""


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
    estimated: dict[str, Any] = {
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
            sources, destination, quiet=as_json, pipeline=pipeline, on_lambda=on_lambda, workers=workers, **estimated
        )
        if as_json:
            print_json(found.to_dict())
        else:
            _print_estimate(found)
        return
    from spacy_lambda.corpus.engines.chosen import runs_on_lambda

    if runs_on_lambda(on, pipeline=pipeline, function=function) and not (yes or retry_errors):
        _require_terminal(function, config, region, profile)
        _confirm_cost(_estimate(sources, destination, quiet=as_json, on_lambda=True, **estimated))
    from spacy_lambda.corpus import annotate as annotate_corpus

    with (
        interrupted_by_signals(),
        annotate_progress(plain=as_json) as draw,
        announced_executions(draw) as on_progress,
    ):
        summary = annotate_corpus(
            sources,
            destination,
            pipeline=pipeline,
            function=function,
            on=on,
            config=config,
            include=split_list(include),
            labels=None if labels is None else split_list(labels),
            long_text=long_text,
            on_error=on_error,
            text_column=text_column,
            id_column=id_column,
            input_format=input_format,
            output_format=output_format,
            s3=s3,
            workers=workers,
            ray_address=ray_address,
            force=force,
            retry_errors=retry_errors,
            on_progress=on_progress,
            on_warning=_warn,
        )
    if as_json:
        print_json(summary.to_dict())
    else:
        _print(summary)
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
    (one,) = (one for one in found.engines if one.engine == "lambda")
    print_lines(
        *_measured(found),
        f"{one.invocations:,} {UNITS['lambda'][one.invocations != 1]}, {one.units:,} at a time: "
        f"about {duration(one.seconds)}, about {_dollars(one.cost)} by {one.prices or 'list prices'}",
        err=True,
    )
    if not confirm("Annotate on Lambda?", yes=False):
        print_lines("not confirmed; nothing but the sample was sent", err=True)
        raise typer.Exit(1)


def _print_estimate(found: Estimate) -> None:
    if not found.engines:
        print_lines("all documents are annotated")
        return
    print_lines(*_measured(found))
    places = len({one.measured_on for one in found.engines}) > 1  # else the line above has it
    print_table(
        [
            *("engine", *(("measured on",) if places else ()), "parallelism"),
            *(">documents/s", ">time", ">invocations", ">cost"),
        ],
        [
            (
                one.engine,
                *((one.measured_on,) if places else ()),
                f"{one.units:,} {UNITS[one.engine][one.units != 1]}",
                f"{one.documents_per_second:,.1f}",
                "< 1 s" if one.seconds < 1 else duration(one.seconds),
                "" if one.invocations is None else f"{one.invocations:,}",
                "" if one.cost is None else f"about {_dollars(one.cost)}",
            )
            for one in found.engines
        ],
    )
    if any(one.engine != "lambda" for one in found.engines):
        print_lines("local and ray: without starting processes and loading the pipeline, which takes some seconds")
    print_wrapped(*(f"{one.engine}: {one.prices}" for one in found.engines if one.prices is not None), hang=2)


def _measured(found: Estimate) -> tuple[str, str]:
    """Return the size of the corpus, and the speed that was measured."""
    unreadable = f", {found.unreadable:,} of which cannot be read" if found.unreadable else ""
    place = found.engines[0].measured_on
    unit = "one CPU of this machine" if place == HERE else f"one invocation of {place}"
    failing = f"; {found.failing:,} others have an error" if found.failing else ""
    return (
        f"{count(found.documents, 'document')}{unreadable}, about {found.words_per_document:,.0f} words each, "
        f"in {count(found.shards, 'shard')}",
        f"{unit} annotates {found.documents_per_second:,.1f} documents/s (measured on {found.sampled}{failing})",
    )


def _dollars(cost: float | None) -> str:
    """Return dollars for people: cents, and four digits below a dollar."""
    return f"${cost or 0:,.2f}" if (cost or 0) >= 1 else f"${cost or 0:,.4f}"


def _reasons(summary: Summary) -> Iterator[str]:
    """Yield the most frequent errors, each by the message of its first document, and the number of the others."""
    for reason, number in summary.reasons.most_common(REASONS):
        yield f"    {number:,}: {reason}"
    others = len(summary.reasons) - REASONS
    if others > 0:
        yield f"    and {others:,} other {'reason' if others == 1 else 'reasons'}: see {summary.errors_path}"


def _duplicates(found: Duplicates) -> str:
    have = "1 document has" if found.documents == 1 else f"{found.documents:,} documents have"
    those = f"; the first {found.compared:,} were compared" if found.compared >= MAX_IDS else ""
    return f"{have} the id of an earlier one, such as {', '.join(found.examples)}{those}"


def _print(summary: Summary) -> None:
    counts = summary.counts
    speed = summary.documents_per_second
    rate = (
        ""
        if speed is None
        else f", {summary.annotating_seconds:,.1f} s of it annotating ({speed:,.1f} documents/s), the rest starting and"
        " loading the pipeline"
    )
    print_lines(f"{summary.destination}: {count(counts.documents, 'document')}, {count(counts.words, 'word')}")
    if summary.resumed and not summary.annotated:
        failed = f" ({counts.errors:,} of them with an error)" if counts.errors else ""
        print_lines(f"  nothing to do: all of them were annotated before{failed}")
    elif summary.resumed:
        print_lines(f"  {summary.resumed:,} already annotated (resumed)")
    truncated = f", {counts.truncated:,} truncated" if counts.truncated else ""
    print_lines(f"  {counts.empty:,} without entities{truncated}, {counts.errors:,} with an error")
    if summary.duplicates.documents:
        print_lines(f"  {_duplicates(summary.duplicates)}")
    if summary.errors_file is not None:
        print_lines(f"  errors: {summary.errors_path}", *_reasons(summary))
    print_lines(f"  {summary.seconds:,.1f} s{rate}")
    if summary.cost is not None:
        print_lines(f"  ${summary.cost:,.4f} for invocations and state transitions, by list prices")
    if counts.entities:
        print_table(["label", ">entities"], [(label, f"{n:,}") for label, n in counts.entities.most_common()])
