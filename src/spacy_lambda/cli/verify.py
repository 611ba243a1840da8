"""``spacy-lambda verify``: does the compiled pipeline say the same?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from spacy_lambda.cli.console import say, say_error, say_json, say_table
from spacy_lambda.cli.numbers import finite
from spacy_lambda.cli.progress import progress
from spacy_lambda.errors import VerifyError

SHOWN = 10
"""Lines of each table of differences; --json has them all."""

WIDTH = 40

NOTHING = "nothing to compare: neither pipeline annotates these texts"
UNSTEADY = "nothing to compare: the original says something else each time it is asked"


def verify(
    original: Annotated[str, typer.Argument(help="The original pipeline: its folder or its package's name.")],
    compiled: Annotated[str, typer.Argument(help="The compiled pipeline: its folder or its package's name.")],
    *,
    texts: Annotated[
        Path,
        typer.Option(help="A folder of .txt, a .jsonl with `text`, or a .spacy corpus, whose annotations then count."),
    ],
    code: Annotated[
        list[Path] | None,
        typer.Option(
            help="A Python file or package that registers what the original names, as for `compile`, where the compiled"
            " pipeline does not bring it. May be repeated."
        ),
    ] = None,
    min_agreement: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, callback=finite, help="Exit with 1 when a component's agreement F1 is below this."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run both pipelines on texts and compare what each component says."""
    from spacy_lambda.compiler.verification import verify as compare_on_texts

    with progress(quiet=as_json) as on_step:
        report = compare_on_texts(original, compiled, texts, code=code or (), on_step=on_step)
    if as_json:
        say_json(report.to_dict())
    else:
        print_report(report.to_dict())
    if report.agreement is None:
        say_error(
            VerifyError(_nothing(report.to_dict()), remedy="give texts on which the original has something to say")
        )
        raise typer.Exit(1)
    if min_agreement is not None and report.agreement < min_agreement:
        say_error(
            VerifyError(
                f"the agreement is {report.agreement:.4f}, below {min_agreement}",
                remedy="compile with --precision fp32, or with --calibrate and texts like these",
            )
        )
        raise typer.Exit(1)


def print_report(report: Mapping[str, Any]) -> None:
    """Print a comparison: a table, then the first of what differs.

    :param report: As :meth:`Report.to_dict` or :meth:`Report.summary` gives it.
    """
    numbers = (">original", ">compiled", ">agreement", ">identical", ">gold F1")
    title = f"{report['documents']} documents, {report['identical_documents']} identical"
    say_table(["component", "says", *numbers], (_row(row, report) for row in report["components"]), title=title)
    if report["agreement"] is None:
        say(_nothing(report))
    labels = list(_differing_labels(report))
    if labels:
        say_table(["component", "label", *numbers[:3]], labels[:SHOWN], title="labels that differ")
    differences = report.get("differences", ())
    if differences:
        say_table(
            ["text", "component", "says", "where", "characters", "original", "compiled"],
            [_difference(one) for one in differences[:SHOWN]],
            title="differences" + (f", the first {SHOWN} of {len(differences)}" if len(differences) > SHOWN else ""),
        )
    for row in report["components"]:
        if row["differing_documents"] and not differences:
            which = ", ".join(map(str, row["differing_documents"]))
            say(f"{row['component']} differs in documents {which} (the first ones, counted from 0)")
    _print_rest(report)


def _print_rest(report: Mapping[str, Any]) -> None:
    """What was not compared, where a pipeline failed, hidden states and time."""
    for note in report["notes"]:
        say(f"note: {note}")
    for row in report["components"]:
        if row["unsteady_documents"]:
            say(
                f"not steady: the original says other {row['says']} each time in {row['component']}, in"
                f" {row['unsteady_documents']} documents; that is not counted"
            )
    for one in report["not_compared"][:SHOWN]:
        say(f"not compared: {one['component']}: {one['reason']}")
    failures = report["failures"] if isinstance(report["failures"], tuple | list) else ()
    for one in failures[:SHOWN]:
        say(f"the {one['pipeline']} fails on text {one['document']} in {one['component']}: {one['error'][:200]}")
    if report["unlike_documents"]:
        say(f"{report['unlike_documents']} documents have hidden states of different shapes")
    if report["largest_hidden_difference"] is not None:
        say(
            f"hidden states: largest difference {report['largest_hidden_difference']:.2e},"
            f" {report['relative_hidden_error']:.2e} of their size"
        )
    for name, speed in report["speed"].items():
        say(f"{name}: {speed['words_per_second']:,.0f} words/s, {speed['ms_per_text']:.1f} ms per text")


def _nothing(report: Mapping[str, Any]) -> str:
    return UNSTEADY if any(row["unsteady_documents"] for row in report["components"]) else NOTHING


def _row(row: Mapping[str, Any], report: Mapping[str, Any]) -> list[str]:
    agreement = "nothing" if row["agreement"] is None else f"{row['agreement']:.4f}"
    return [
        row["component"],
        row["says"],
        str(row["original"]),
        str(row["compiled"]),
        agreement if row["counts"] else f"({agreement})",
        f"{row['identical_documents']} / {report['documents']}"
        + (" (not steady)" if row["unsteady_documents"] else ""),
        _gold(row) if row["largest_difference"] is None else f"differ by up to {row['largest_difference']:.1e}",
    ]


def _differing_labels(report: Mapping[str, Any]) -> Iterator[list[str]]:
    for row in report["components"]:
        for label, counts in row["labels"].items():
            if not counts["original"] == counts["compiled"] == counts["shared"]:
                numbers = [str(counts["original"]), str(counts["compiled"]), f"{counts['agreement']:.4f}"]
                yield [row["component"], label, *numbers]


def _difference(one: Mapping[str, Any]) -> list[str]:
    where = "" if one["start"] is None else f"{one['start']}-{one['end']}"
    said = [str(one[side] or "-")[:WIDTH] for side in ("original", "compiled")]
    return [str(one["document"]), one["component"], one["says"], where, one["text"][:WIDTH], *said]


def _gold(row: Mapping[str, Any]) -> str:
    if row["gold_original"] is None:
        return "no gold"
    return f"{row['gold_original']:.4f} → {row['gold_compiled']:.4f}"
