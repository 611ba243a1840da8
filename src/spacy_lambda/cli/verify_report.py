"""The report of ``verify``, as tables; ``compile --verify`` prints it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacy_lambda.cli.console import print_lines, print_table
from spacy_lambda.core.counts import count

__all__ = ["nothing_compared", "print_report"]

MAX_ROWS = 10
"""Rows of each table of differences; --json has them all."""

COUNTS = (">items", ">agreement", ">identical")

WIDTH = 40
"""Characters of a text in a table."""

NOTHING = "nothing to compare: neither pipeline annotates these texts"
NOT_DETERMINISTIC = "nothing to compare: the original's annotations change from run to run"


def print_report(report: Mapping[str, Any]) -> None:
    """Print a table of components, then the first differences.

    :param report: The return value of :meth:`VerificationReport.to_dict` or :meth:`VerificationReport.summary`.
    """
    rows = [row for row in report["components"] if row["largest_difference"] is None]
    has_gold = any(row["gold_original"] is not None for row in rows)
    print_table(
        ["component", "annotation", *COUNTS, *([">gold F1"] if has_gold else [])],
        ((*_row(row, report), *([_gold(row)] if has_gold else [])) for row in rows),
        title=f"{count(report['documents'], 'document')}, {report['identical_documents']} identical"
        " (original → compiled)",
    )
    scores = [row for row in report["components"] if row["largest_difference"] is not None]
    if scores:
        print_table(
            ["component", "annotation", *COUNTS, ">largest difference"],
            ((*_row(row, report), f"{row['largest_difference']:.1e}") for row in scores),
            title="scores",
        )
    if not all(row["counts"] for row in report["components"]):
        print_lines("(…): not part of the agreement, because the precision may change scores")
    if report["agreement"] is None:
        print_lines(nothing_compared(report))
    labels = list(_differing_labels(report))
    if labels:
        print_table(["component", "label", *COUNTS[:2]], labels[:MAX_ROWS], title="labels that differ")
    differences = report.get("differences", ())
    if differences:
        print_table(
            ["text", "annotation", "offsets", "characters", "original", "compiled"],
            [_difference(one) for one in differences[:MAX_ROWS]],
            title="differences"
            + (f", the first {MAX_ROWS} of {len(differences)}" if len(differences) > MAX_ROWS else ""),
        )
    for row in report["components"]:
        if row["differing_documents"] and not differences:
            which = ", ".join(map(str, row["differing_documents"]))
            print_lines(f"{row['component']} differs in documents {which} (the first ones, counted from 0)")
    _print_rest(report)


def nothing_compared(report: Mapping[str, Any]) -> str:
    """Explain why no agreement could be measured."""
    return NOT_DETERMINISTIC if any(row["unsteady_documents"] for row in report["components"]) else NOTHING


def _print_rest(report: Mapping[str, Any]) -> None:
    """Print components without a comparison, failures, hidden states and speed."""
    for note in report["notes"]:
        print_lines(f"note: {note}")
    for row in report["components"]:
        if row["unsteady_documents"]:
            print_lines(
                f"not deterministic: {row['says']} of the original's {row['component']} change from run to run in"
                f" {count(row['unsteady_documents'], 'document')}, not counted"
            )
    for one in report["not_compared"][:MAX_ROWS]:
        print_lines(f"not compared: {one['component']}: {one['reason']}")
    failures = report["failures"]
    if isinstance(failures, int):  # of a compile, which keeps no part of the texts
        if failures:
            print_lines(
                f"{count(failures, 'failure')} of the pipelines on these texts; `spacy-lambda verify` lists them"
            )
        failures = ()
    for one in failures[:MAX_ROWS]:
        print_lines(
            f"the {one['pipeline']} fails on text {one['document']} in {one['component']}: {one['error'][:200]}"
        )
    if report["unlike_documents"]:
        print_lines(f"{count(report['unlike_documents'], 'document')} with hidden states of different shapes")
    if report["largest_hidden_difference"] is not None:
        print_lines(
            f"hidden states: largest difference {report['largest_hidden_difference']:.2e},"
            f" root mean square {100 * report['relative_hidden_error']:.2g} % of theirs"
        )
    for host in report.get("hosts", ()):
        print_lines(f"on {host['host']}: {_host(host)}")
    for name, speed in report["speed"].items():
        print_lines(f"{name}: {speed['words_per_second']:,.0f} words/s, {speed['ms_per_text']:.1f} ms per text")


def _host(host: Mapping[str, Any]) -> str:
    if host["agreement"] is None:
        return f"not compared: {host['reason']}"
    return (
        f"agreement {host['agreement']:.4f} with itself on this host,"
        f" {host['identical_documents']} of {count(host['documents'], 'document')} identical"
    )


def _row(row: Mapping[str, Any], report: Mapping[str, Any]) -> list[str]:
    agreement = "n/a" if row["agreement"] is None else f"{row['agreement']:.4f}"
    return [
        row["component"],
        row["says"] if row["largest_difference"] is None else row["says"].removesuffix(".scores"),
        _both(row["original"], row["compiled"]),
        agreement if row["counts"] else f"({agreement})",
        f"{row['identical_documents']} / {report['documents']}",
    ]


def _both(original: object, compiled: object) -> str:
    """Return the original's figure and the compiled pipeline's, if they differ."""
    return str(original) if original == compiled else f"{original} → {compiled}"


def _differing_labels(report: Mapping[str, Any]) -> Iterator[list[str]]:
    for row in report["components"]:
        for label, counts in row["labels"].items():
            if not counts["original"] == counts["compiled"] == counts["shared"]:
                items = _both(counts["original"], counts["compiled"])
                yield [row["component"], label, items, f"{counts['agreement']:.4f}"]


def _difference(one: Mapping[str, Any]) -> list[str]:
    where = "" if one["start"] is None else f"{one['start']}-{one['end']}"
    values = [str(one[side] or "-")[:WIDTH] for side in ("original", "compiled")]
    return [str(one["document"]), f"{one['component']}: {one['says']}", where, one["text"][:WIDTH], *values]


def _gold(row: Mapping[str, Any]) -> str:
    if row["gold_original"] is None:
        return ""
    return _both(f"{row['gold_original']:.4f}", f"{row['gold_compiled']:.4f}")
