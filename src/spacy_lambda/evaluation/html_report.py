"""An evaluation -> one HTML file: scores, and each document with errors, annotated and predicted beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from spacy_lambda.core.counts import count
from spacy_lambda.evaluation.displacy_text import draw_text, label_colors
from spacy_lambda.evaluation.matching import ERROR_KINDS, Match
from spacy_lambda.evaluation.report import DocumentResult, Evaluation
from spacy_lambda.evaluation.wording import (
    KIND_NAMES,
    NOT_PREDICTED,
    SCHEME_NAMES,
    bounds,
    difference_cells,
    label_cells,
)

__all__ = ["MAX_DOCUMENTS", "draw_report"]

MAX_DOCUMENTS = 1_000
"""Documents in a report."""

NO_SPAN = "none"


def draw_report(evaluation: Evaluation) -> str:
    """Return the page. It loads nothing, and every text from outside is escaped."""
    shown = _shown_documents(evaluation)
    values = {
        "title": escape(f"{evaluation.name} on {evaluation.corpus}"),
        "subtitle": escape(_subtitle(evaluation)),
        "tables": "\n".join(_tables(evaluation)),
        "documents": "\n".join(_documents(evaluation, shown)),
    }
    head, *parts = files(__package__).joinpath("report_page.html").read_text(encoding="utf-8").split("@@")
    return head + "".join(values[part] if place % 2 == 0 else part for place, part in enumerate(parts))


def _subtitle(evaluation: Evaluation) -> str:
    kinds = evaluation.error_counts
    if not evaluation.is_predicted:
        return f"{count(evaluation.documents, 'document')}; {evaluation.annotation}: {NOT_PREDICTED}."
    return (
        f"{count(len(evaluation.results), 'annotated document')}, {evaluation.annotation}: "
        f"{count(sum(one.support for one in evaluation.labels.values()), 'span')} annotated, "
        f"{sum(one.predicted for one in evaluation.labels.values()):,} predicted, "
        f"{count(sum(kinds.values()), 'error')}. Intervals: 95 %, by bootstrap over documents."
    )


def _tables(evaluation: Evaluation) -> Iterator[str]:
    yield '<h2>Scores</h2><div class="tables">'
    yield _table(
        ["all spans", "precision", "recall", "F1", "95 %"],
        [
            [SCHEME_NAMES[scheme], *map(_figure, (one.p, one.r, one.f)), bounds(one.interval)]
            for scheme, one in evaluation.schemes.items()
        ],
    )
    yield _table(
        ["label", "precision", "recall", "F1", "95 %", "annotated", "predicted"],
        [
            [label, *label_cells(one, digits=3), f"{one.support:,}", f"{one.predicted:,}"]
            for label, one in evaluation.labels.items()
        ],
    )
    yield '</div><h2>Errors</h2><div class="tables">'
    yield _table(
        ["label", *(KIND_NAMES[kind] for kind in ERROR_KINDS)],
        [
            [label, *(f"{kinds[kind]:,}" for kind in ERROR_KINDS)]
            for label, kinds in {**evaluation.label_errors, "all": evaluation.error_counts}.items()
        ],
    )
    yield _confusion(evaluation)
    yield "</div>"
    if evaluation.comparison is not None:
        yield from _comparison(evaluation)


def _comparison(evaluation: Evaluation) -> Iterator[str]:
    found = evaluation.comparison
    assert found is not None
    yield f"<h2>Compared with {escape(found.other.name)} ({escape(found.other.pipeline)})</h2>"
    yield (
        f"<p>The predictions differ on {count(len(found.differing), 'document')}: fewer errors on "
        f"{found.fewer_errors:,}, more on {found.more_errors:,}.</p>"
    )
    rows = {SCHEME_NAMES[scheme]: one for scheme, one in found.schemes.items()} | dict(found.labels)
    yield _table(
        ["F1", "this", "other", "difference", "95 %", "p"],
        [[name, *difference_cells(one)] for name, one in rows.items()],
    )


def _confusion(evaluation: Evaluation) -> str:
    labels = [NO_SPAN if label is None else label for label in evaluation.confusion.labels]
    rows = []
    for place, (label, counts) in enumerate(zip(labels, evaluation.confusion.counts, strict=True)):
        total = max(sum(counts), 1)
        cells = "".join(
            f'<td style="--part: {number / total:.2f}"{" class=same" if place == column else ""}>{number:,}</td>'
            for column, number in enumerate(counts)
        )
        rows.append(f"<tr><th scope=row>{escape(label)}</th>{cells}</tr>")
    heads = "".join(f"<th scope=col>{escape(label)}</th>" for label in ("annotated ↓ predicted →", *labels))
    return f'<div class="scroll"><table class="confusion"><thead><tr>{heads}</tr></thead>{"".join(rows)}</table></div>'


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th scope=col>{escape(one)}</th>" for one in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>{body}</table></div>'


def _shown_documents(evaluation: Evaluation) -> list[DocumentResult]:
    differing = _differing(evaluation)
    return [one for one in evaluation.results if one.errors or one.document in differing][:MAX_DOCUMENTS]


def _differing(evaluation: Evaluation) -> set[int]:
    found = evaluation.comparison
    return set() if found is None else {one.document for one in found.differing}


def _documents(evaluation: Evaluation, shown: Sequence[DocumentResult]) -> Iterator[str]:
    if not shown:
        yield "<p>No errors.</p>" if evaluation.is_predicted else f"<p>{NOT_PREDICTED.capitalize()}.</p>"
        return
    labels = list(evaluation.labels)
    yield "<h2>Documents</h2>"
    if len(shown) == MAX_DOCUMENTS:
        yield f'<p class="soft">The first {MAX_DOCUMENTS:,} with errors; --json has every error.</p>'
    yield _filters(evaluation, labels)
    others = {} if evaluation.comparison is None else _other_results(evaluation)
    colors = label_colors(labels)
    for result in shown:
        yield _document(evaluation, result, others, colors, labels)


def _other_results(evaluation: Evaluation) -> Mapping[int, DocumentResult]:
    assert evaluation.comparison is not None
    return {one.document: one for one in evaluation.comparison.other.results}


def _filters(evaluation: Evaluation, labels: Sequence[str]) -> str:
    boxes = "".join(
        f'<label><input type=checkbox name=kind value="{kind}" checked> {KIND_NAMES[kind]} ({number:,})</label>'
        for kind, number in evaluation.error_counts.items()
    )
    options = "".join(f"<option value={place}>{escape(label)}</option>" for place, label in enumerate(labels))
    differing = ""
    if evaluation.comparison is not None:
        differing = "<label><input type=checkbox name=differing> where the pipelines differ</label>"
    return (
        f'<form class="filters">{boxes}<label>label <select name=label><option value="">all</option>{options}</select>'
        f'</label>{differing}<span class="soft" id="shown" role="status"></span></form>'
    )


def _document(
    evaluation: Evaluation,
    result: DocumentResult,
    others: Mapping[int, DocumentResult],
    colors: Mapping[str, str],
    labels: Sequence[str],
) -> str:
    differs = " data-differing" if result.document in _differing(evaluation) else ""
    sides = [("annotated", _side(result, "gold", colors)), ("predicted", _side(result, "predicted", colors))]
    if result.document in others and evaluation.comparison is not None:
        other = evaluation.comparison.other
        sides[1] = f"predicted by {evaluation.pipeline}", sides[1][1]
        sides.append((f"predicted by {other.pipeline}", _side(others[result.document], "predicted", colors)))
    drawn = "".join(f"<div><h4>{escape(title)}</h4>{markup}</div>" for title, markup in sides)
    errors = "".join(_error(match, result.text, labels) for match in result.errors)
    return (
        f'<article id="document-{result.document}"{differs}><h3>Document {result.document} '
        f"<small>{count(len(result.errors), 'error')}</small></h3>"
        f'<div class="sides">{drawn}</div><ul class="errors">{errors}</ul></article>'
    )


def _side(result: DocumentResult, side: str, colors: Mapping[str, str]) -> str:
    spans = {span: match.kind for match in result.matches if (span := getattr(match, side)) is not None}
    return draw_text(result.text, result.tokens, spans, colors=colors)


def _error(match: Match, text: str, labels: Sequence[str]) -> str:
    numbers = " ".join(str(labels.index(label)) for label in match.labels)
    spans: list[Any] = [match.gold, match.predicted]
    quoted = [
        f"<q>{escape(text[span.start : span.end])}</q> {escape(span.label)}" if span else f"<i>{NO_SPAN}</i>"
        for span in spans
    ]
    return (
        f'<li data-kind="{match.kind}" data-labels="{numbers}"><span class="kind {match.kind}">'
        f"{KIND_NAMES[match.kind]}</span> {' → '.join(quoted)}</li>"
    )


def _figure(value: float) -> str:
    return f"{value:.3f}"
