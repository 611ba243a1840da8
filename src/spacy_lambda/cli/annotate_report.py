"""The result of ``annotate``, and of its estimate, as lines and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spacy_lambda.cli.console import print_lines, print_table, print_wrapped
from spacy_lambda.cli.progress import duration
from spacy_lambda.core.counts import count
from spacy_lambda.corpus.choices import HERE
from spacy_lambda.corpus.duplicates import MAX_IDS, Duplicates
from spacy_lambda.corpus.summary import Summary

if TYPE_CHECKING:
    from spacy_lambda.corpus import Estimate

__all__ = ["cost_lines", "print_estimate", "print_summary"]

REASONS = 3
"""Reasons of errors that the summary shows."""

UNITS = {"local": ("process", "processes"), "ray": ("actor", "actors"), "lambda": ("invocation", "invocations")}
"""Names of the units of engines, for one and for several."""


def print_estimate(found: Estimate) -> None:
    """Print the size of the corpus, the speed that was measured, and time and cost on each engine."""
    if not found.engines:
        print_lines("nothing to annotate: the corpus has no documents, or all of them are annotated")
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


def cost_lines(found: Estimate) -> tuple[str, ...]:
    """Return the size of the corpus, and the time and the cost of a run on Lambda."""
    (one,) = (one for one in found.engines if one.engine == "lambda")
    return (
        *_measured(found),
        f"{one.invocations:,} {UNITS['lambda'][one.invocations != 1]}, {one.units:,} at a time: "
        f"about {duration(one.seconds)}, about {_dollars(one.cost)} by {one.prices or 'list prices'}",
    )


def print_summary(summary: Summary) -> None:
    """Print counts, errors, speed and cost of a run, and the number of entities of each label."""
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
