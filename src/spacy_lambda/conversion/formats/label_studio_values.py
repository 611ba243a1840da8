"""Values of Label Studio's annotations -> spans."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedSpan
from spacy_lambda.conversion.formats.json_items import JsonItem
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_values import plain_text

__all__ = ["annotator_names", "is_span_result", "spans_of_results", "with_line_breaks"]

LABELS = ("labels", "hypertextlabels", "paragraphlabels")
"""Types of results that are spans; the key of their labels has the same name."""


def annotator_names(by: Any) -> set[str]:
    """Return the identifiers of an annotator: a number, or an object with e-mail and names."""
    values = by.values() if isinstance(by, dict) else [by]
    return {str(value) for value in values if isinstance(value, str | int)}


def is_span_result(result: Any) -> bool:
    """Return whether a result is a span, which has no labels if the annotator removed them."""
    value = result.get("value") if isinstance(result, dict) else None
    return isinstance(value, dict) and (any(key in value for key in LABELS) or result.get("type") in LABELS)


def spans_of_results(
    results: Sequence[Any], item: JsonItem, others: Collection[str], reading: ReadingContext
) -> tuple[AnnotatedSpan, ...]:
    """Return the spans of an annotation, one for each label; other results are counted.

    :param others: Names of the objects whose spans are in other texts.
    :raises CorpusError: If a span has no offsets.
    """
    spans: list[AnnotatedSpan] = []
    wanted = reading.options.spans_from
    for result in results:
        value = result.get("value") if isinstance(result, dict) else None
        name = result.get("from_name") if isinstance(result, dict) else None
        if isinstance(name, str):
            reading.places[name] = None
        if wanted is not None and name != wanted:
            reading.account.note(f"results of {name} of Label Studio, not converted", _place(item))
        elif not isinstance(value, dict) or not is_span_result(result):
            kind = result.get("type", "result") if isinstance(result, dict) else "result"
            reading.account.note(f"results of type {kind} of Label Studio, not converted", _place(item))
        elif result.get("to_name") in others:
            object_name = result["to_name"]
            reading.account.note(f"results in the object {object_name} of Label Studio, not converted", _place(item))
        else:
            spans += _spans(value, item)
    return tuple(spans)


def _spans(value: Mapping[str, Any], item: JsonItem) -> Iterator[AnnotatedSpan]:
    place = value.get("globalOffsets") if isinstance(value.get("globalOffsets"), dict) else value
    assert isinstance(place, Mapping)
    start, end = place.get("start"), place.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        raise item.error(
            f"a span has no character offsets: {dict(value)!r:.100}",
            "export a project of texts; spans of HTML need globalOffsets, which Label Studio 1.0 and later write",
        )
    labels: list[Any] = next((value[key] for key in LABELS if isinstance(value.get(key), list)), [])
    text = value.get("text")
    covered = text if isinstance(text, str) else None
    for label in labels or [""]:
        yield AnnotatedSpan(((start, end),), plain_text(label) or "", item.line, covered)


def with_line_breaks(spans: Sequence[AnnotatedSpan], text: str) -> tuple[AnnotatedSpan, ...]:
    r"""Return spans with line breaks in their texts: Label Studio writes ``\n`` for one, which a text may have, too."""
    return tuple(
        span if span.text is None or span.text in text else replace(span, text=span.text.replace("\\n", "\n"))
        for span in spans
    )


def _place(item: JsonItem) -> str:
    return f"{item.file.name}:{item.line}"
