"""The result of ``evaluate``, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spacy_lambda.cli.console import print_lines, print_table
from spacy_lambda.core.counts import count

if TYPE_CHECKING:
    from spacy_lambda.evaluation import Comparison, Evaluation

__all__ = ["print_evaluation"]

WIDTH = 40
"""Characters of a text in a table."""

ROUGH = 20
"""Documents below which intervals are rough."""

MAX_CONFUSION = 12
"""Labels of a confusion matrix that is printed; the report and --json have larger ones."""


def print_evaluation(found: Evaluation) -> None:
    """Print scores, labels, errors, confusion, spaCy's other scores, and the comparison."""
    print_lines(
        f"{found.name} on {found.corpus}: {count(found.documents, 'document')},"
        f" {count(found.annotated_spans, 'span')} annotated ({found.annotation})"
    )
    if found.hidden_files:
        print_lines(f"{count(found.hidden_files, 'hidden file')} of {found.corpus} left out")
    if len(found.results) < found.documents and found.is_predicted:
        print_lines(f"{len(found.results):,} of them are annotated; the others have no text or no annotation")
    if not found.is_predicted:
        print_lines(f"{found.annotation}: not predicted; no component of the pipeline sets them")
    elif found.schemes:
        _print_spans(found)
    elif found.results:
        print_lines("none predicted either")
    others = {name: value for name, value in found.spacy.items() if isinstance(value, float) and _is_other(name, found)}
    if others:
        print_table(["spaCy's score", ">value"], [(name, f"{value:.4f}") for name, value in others.items()])
    print_lines(f"speed: {found.spacy['speed']:,.0f} words/s")
    if found.comparison is not None:
        _print_comparison(found.comparison)


def _is_other(name: str, found: Evaluation) -> bool:
    own = "ents_" if found.spans_key is None else f"spans_{found.spans_key}_"
    return not name.startswith((own, "token_", "speed"))


def _print_spans(found: Evaluation) -> None:
    from spacy_lambda.evaluation.wording import SCHEME_NAMES, bounds, label_cells

    print_table(
        ["all spans", ">precision", ">recall", ">F1", ">95 %"],
        [
            (SCHEME_NAMES[scheme], f"{one.p:.4f}", f"{one.r:.4f}", f"{one.f:.4f}", bounds(one.interval))
            for scheme, one in found.schemes.items()
        ],
    )
    print_table(
        ["label", ">precision", ">recall", ">F1", ">95 %", ">annotated", ">predicted"],
        [[label, *label_cells(one, digits=4), one.support, one.predicted] for label, one in found.labels.items()],
    )
    if found.not_predicted:
        missed = sum(found.labels[label].support for label in found.not_predicted)
        print_lines(
            f"labels that the pipeline does not have: {', '.join(found.not_predicted)}; in the scores of all spans,"
            f" {'1 annotated span is an error' if missed == 1 else f'{missed:,} annotated spans are errors'}"
        )
    if len(found.results) < ROUGH:
        print_lines(f"{count(len(found.results), 'document')}: the intervals are rough")
    print_table(["errors", ">number", "for example", "", "(numbered from 0)"], _errors(found))
    labels = ["none" if label is None else label for label in found.confusion.labels]
    if len(labels) <= MAX_CONFUSION + 1:
        print_table(
            ["annotated ↓ predicted →", *(f">{label}" for label in labels)],
            [(label, *counts) for label, counts in zip(labels, found.confusion.counts, strict=True)],
        )


def _errors(found: Evaluation) -> Iterator[tuple[str, ...]]:
    """Yield the number of each kind of error, and its first example."""
    from spacy_lambda.evaluation.wording import KIND_NAMES

    for kind, number in found.error_counts.items():
        examples = ((one, match) for one in found.results for match in one.errors if match.kind == kind)
        result, match = next(examples, (None, None))
        sides = ["", ""]
        if result is not None and match is not None:
            spans = (match.gold, match.predicted)
            sides = [
                "none" if span is None else f"{result.text[span.start : span.end][:WIDTH]} {span.label}"
                for span in spans
            ]
        yield KIND_NAMES[kind], f"{number:,}", *sides, "" if result is None else f"document {result.document}"


def _print_comparison(found: Comparison) -> None:
    from spacy_lambda.evaluation.wording import SCHEME_NAMES, difference_cells

    rows = {SCHEME_NAMES[scheme]: one for scheme, one in found.schemes.items()} | dict(found.labels)
    print_table(
        ["F1", ">this", ">other", ">difference", ">95 %", ">p"],
        [[name, *difference_cells(one)] for name, one in rows.items()],
        title=f"compared with {found.other.name} ({found.other.pipeline})",
    )
    print_lines(
        f"predictions differ on {count(len(found.differing), 'document')}: fewer errors on {found.fewer_errors:,},"
        f" more on {found.more_errors:,}"
    )
