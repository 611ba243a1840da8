"""A document -> lines of WebAnno TSV 3.3, with one layer of named entities."""

from __future__ import annotations

from collections.abc import Iterator

from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.formats.webanno_values import FORMAT, escaped_label, escaped_text
from spacy_lambda.conversion.token_bounds import token_span

__all__ = ["webanno_lines"]

LAYER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"


def webanno_lines(document: AnnotatedDocument) -> Iterator[str]:
    """Yield the lines. The text between two sentences is part of the first.

    :param document: A document whose spans fit its tokens.
    """
    yield f"{FORMAT} 3.3"
    yield f"#T_SP={LAYER}|value"
    yield ""
    bounds = document.tokens or ()
    cells = _cells(document, bounds)
    begins = sorted({0, *document.sentences})
    for number, first in enumerate(begins, start=1):
        last = begins[number] if number < len(begins) else len(bounds)
        start = 0 if first == 0 else bounds[first][0]
        end = bounds[last][0] if last < len(bounds) else len(document.text)
        yield ""
        yield from (f"#Text={escaped_text(line)}" for line in document.text[start:end].split("\n"))
        for index in range(first, last):
            begin, stop = bounds[index]
            form = document.text[begin:stop]
            place = f"{_units(document.text[:begin])}-{_units(document.text[:stop])}"
            yield f"{number}-{index - first + 1}\t{place}\t{escaped_text(form)}\t{cells[index]}\t"


def _cells(document: AnnotatedDocument, bounds: tuple[tuple[int, int], ...]) -> list[str]:
    """Return the cell of each token; spans of several tokens, and those that share one, have numbers."""
    places = [token_span(bounds, span.start, span.end) for span in document.spans]
    shared = [sum(first <= index < last for first, last in places) > 1 for index in range(len(bounds))]
    cells: list[list[str]] = [[] for _ in bounds]
    for number, (span, (first, last)) in enumerate(zip(document.spans, places, strict=True), start=1):
        has_number = last - first > 1 or shared[first]
        for index in range(first, last):
            cells[index].append(escaped_label(span.label) + (f"[{number}]" if has_number else ""))
    return ["|".join(cell) or "_" for cell in cells]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
