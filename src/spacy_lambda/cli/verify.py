"""``spacy-lambda verify``: does the compiled pipeline say the same?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from spacy_lambda.cli.output import say, say_error, say_json, say_table
from spacy_lambda.cli.progress import progress
from spacy_lambda.errors import VerifyError


def verify(
    original: Annotated[str, typer.Argument(help="The original pipeline: its folder or its package's name.")],
    compiled: Annotated[str, typer.Argument(help="The compiled pipeline: its folder or its package's name.")],
    *,
    texts: Annotated[
        Path,
        typer.Option(help="A folder of .txt, a .jsonl with `text`, or a .spacy corpus, whose annotations then count."),
    ],
    min_agreement: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Exit with 1 when a component's agreement F1 is below this."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run both pipelines on texts and compare what each component says."""
    from spacy_lambda.compiler.compare import verify as compare_on_texts

    with progress(quiet=as_json) as on_step:
        report = compare_on_texts(original, compiled, texts, on_step=on_step)
    if as_json:
        say_json(report.to_dict())
    else:
        print_report(report.to_dict())
    if min_agreement is not None and report.agreement < min_agreement:
        say_error(
            VerifyError(
                f"the agreement is {report.agreement:.4f}, below {min_agreement}",
                remedy="compile with --precision fp32, or with --calibrate and texts like these",
            )
        )
        raise typer.Exit(1)


def print_report(report: Mapping[str, Any]) -> None:
    """Print a comparison as a table.

    :param report: As :meth:`Report.to_dict` gives it.
    """
    numbers = (">original", ">compiled", ">agreement", ">identical", ">gold F1")
    title = f"{report['documents']} documents, {report['identical_documents']} identical"
    say_table(["component", "says", *numbers], (_row(row, report) for row in report["components"]), title=title)
    for row in report["components"]:
        if row["differing_documents"]:
            which = ", ".join(map(str, row["differing_documents"]))
            say(f"{row['component']} differs in documents {which} (the first ones, counted from 0)")
    if report["largest_hidden_difference"] is not None:
        say(
            f"hidden states: largest difference {report['largest_hidden_difference']:.2e},"
            f" {report['relative_hidden_error']:.2e} of their size"
        )


def _row(row: Mapping[str, Any], report: Mapping[str, Any]) -> list[object]:
    identical = f"{row['identical_documents']} / {report['documents']}"
    agreement = f"{row['agreement']:.4f}"
    return [row["component"], row["says"], row["original"], row["compiled"], agreement, identical, _gold(row)]


def _gold(row: Mapping[str, Any]) -> str:
    if row["gold_original"] is None:
        return "no gold"
    return f"{row['gold_original']:.4f} → {row['gold_compiled']:.4f}"
