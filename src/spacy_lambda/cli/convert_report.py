"""The report of ``convert``, as tables and lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from spacy_lambda.cli.console import print_lines, print_table
from spacy_lambda.core.counts import count

if TYPE_CHECKING:
    from spacy_lambda.conversion.accounting import ConversionReport, Example

__all__ = ["count_phrase", "print_conversion"]

MAX_EXAMPLES = 2
"""Examples of each kind; --json has more."""

HEAD = re.compile(r"((?:\w+ )*?)(\w+s)\b(?!-)")
"""The words before the first plural noun of a phrase, and the noun."""

CLAUSE = re.compile(r"(?P<head>(?:(?!with)\w+ )+that) are\b")
"""A clause that is about the first noun."""


def print_conversion(report: ConversionReport) -> None:
    """Print what was written, what became of the entities, examples, and other observations."""
    print_table(
        ["entities", ">number", "example"],
        list(_fates(report)),
        title=f"{report.source}: {report.format}, {count(report.entities, 'entity', 'entities')}",
    )
    print_table(
        ["label", ">entities", ">kept"],
        [[label, every, kept] for label, (every, kept) in report.labels.items()],
        title="labels",
    )
    for reason, number in report.left_out.items():
        print_lines(f"{count(number, 'document')} left out: {reason} ({_place(report, reason)})")
    for message, number in report.notes.items():
        print_lines(f"{count_phrase(number, message)} ({_place(report, message)})")
    for path, number in report.destinations.items():
        print_lines(f"{path}: {count(number, 'document')}")


def _fates(report: ConversionReport) -> Iterator[list[object]]:
    yield ["kept", report.kept, ""]
    for word, counts in (("of these", report.adjusted), ("dropped", report.dropped)):
        for kind, number in counts.items():
            found = report.examples.get(kind, ())
            yield [f"{word}, {kind}", number, _example(found[0]) if found else ""]
            for one in found[1:MAX_EXAMPLES]:
                yield ["", "", _example(one)]


def _example(one: Example) -> str:
    detail = f": {one.detail}" if one.detail else ""
    label = f"{one.label} " if one.label else ""
    return f"{one.place}: {label}{one.text!r}{detail}"


def _place(report: ConversionReport, kind: str) -> str:
    one = report.examples[kind][0]
    return f"{one.place}: {one.detail}" if one.detail else one.place


def count_phrase(number: int, phrase: str) -> str:
    """Return a number with a phrase that begins with a noun in the plural: ``1 file of other formats, left out``."""
    if number == 1 and (found := HEAD.match(phrase)) is not None:
        noun = found[2][:-3] + "y" if found[2].endswith("ies") else found[2][:-1]
        phrase = found[1] + noun + phrase[found.end() :]
        if (clause := CLAUSE.match(phrase)) is not None:
            phrase = f"{clause['head']} is{phrase[clause.end() :]}"
    return f"{number:,} {phrase}"
