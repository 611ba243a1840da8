"""A file of WebAnno TSV -> its document: sentences put at their offsets, which are UTF-16 units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.webanno_values import (
    FIRST_COLUMN,
    FORMAT,
    Layer,
    is_version_2,
    labels_in,
    layers_in,
    unescaped,
)
from spacy_lambda.conversion.offset_units import parsed_offset
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.core.counts import count
from spacy_lambda.errors import CorpusError

__all__ = ["webanno_document"]

ROW = re.compile(r"\d+-\d+(?P<part>\.\d+)?\t(?P<start>\d+)-(?P<end>\d+)\t(?P<form>[^\t]*)(?:\t.*)?")
TEXT = "#Text="
SIZE = 2
"""Bytes of a UTF-16 unit."""

MAX_GAPS = 1_000_000
"""UTF-16 units that may be between the sentences of a document, which the format does not have."""


@dataclass
class _Row:
    line: int
    start: int
    end: int
    form: str
    is_part: bool
    cells: list[str]


@dataclass
class _Sentence:
    """A sentence: its text and its tokens, with parts of tokens after the token."""

    line: int
    text: str = ""
    rows: list[_Row] = field(default_factory=list)


def webanno_document(file: SourceFile, reading: ReadingContext) -> AnnotatedDocument:
    """Read a file.

    :raises CorpusError: If it has another version, or a line that is invalid.
    """
    lines = list(file.lines())
    if not lines[0][1].startswith(f"{FORMAT} 3"):
        found = f"is {FORMAT[8:]} 2" if is_version_2(file.content) else f"{lines[0][1][:80]!r} is not WebAnno TSV 3"
        raise CorpusError(f"{file.name}:1: {found}; only version 3 is read", remedy="export as WebAnno TSV v3.3")
    if file.note:
        reading.account.note(f"files {file.note}", f"{file.name}:1")
    layers = _layers(lines, file)
    every = list(_sentences(lines, file))
    sentences = [one for one in every if one.rows]
    for one in every:
        if not one.rows:
            reading.account.note("sentences without tokens, left out", f"{file.name}:{one.line}")
    text = _text(sentences, file)
    rows = [row for one in sentences for row in one.rows]
    _check_columns(rows, layers, file)
    spans = list(_converted(layers, rows, file, reading))
    places = _characters(text)
    tokens = tuple((places[row.start], places[row.end]) for row in rows if not row.is_part)
    sizes = [sum(not row.is_part for row in one.rows) for one in sentences]
    begins = tuple(accumulate([0, *sizes[:-1]]))
    fixed = tuple(_in_characters(span, places) for span in spans)
    has_spans = any(layer.chosen_feature(reading.options.spans_from) is not None for layer in layers)
    if not has_spans:
        reading.account.note("files without a layer of spans, whose tokens are not annotated", f"{file.name}:1")
    return AnnotatedDocument(
        file.stem,
        text,
        fixed,
        file.name,
        1,
        None,
        tokens,
        begins if len(begins) > 1 else (),
        () if has_spans else ((0, len(text)),),
        unit="characters",
    )


def _layers(lines: Sequence[tuple[int, str]], file: SourceFile) -> list[Layer]:
    """Return the layers of a file.

    :raises CorpusError: If a layer is of an unknown kind.
    """
    header = [(number, line) for number, line in lines if line.startswith("#T_")]
    try:
        return layers_in([line for _, line in header])
    except KeyError as exc:
        number = next(number for number, line in header if line.startswith(exc.args[0]))
        raise CorpusError(
            f"{file.name}:{number}: {exc.args[0]!r} is not a kind of layer, such as '#T_SP='",
            remedy="export as WebAnno TSV v3.3",
        ) from exc


def _check_columns(rows: Sequence[_Row], layers: Sequence[Layer], file: SourceFile) -> None:
    """Refuse rows with other columns than the header names; each may end with a tab.

    :raises CorpusError: If a row has fewer or more.
    """
    number = FIRST_COLUMN + sum(layer.width for layer in layers)
    for row in rows:
        if len(row.cells) < number or any(row.cells[number:]):
            raise CorpusError(
                f"{file.name}:{row.line}: the line has {count(len(row.cells), 'column')}; the header names {number}",
                remedy="export the file again; lines must not be edited",
            )


def _converted(
    layers: Sequence[Layer], rows: Sequence[_Row], file: SourceFile, reading: ReadingContext
) -> Iterator[AnnotatedSpan]:
    """Yield the spans of the layers that are converted; annotations of others, and other features, are counted."""
    for layer in layers:
        chosen = layer.chosen_feature(reading.options.spans_from)
        if layer.kind == "span":
            names = (layer.name, layer.short_name)
            places = [*names, *(f"{name}.{one}" for name in names for one in layer.features)]
            reading.places.update(dict.fromkeys(places))
        if chosen is None:
            number = len(list(_spans(layer, layer.label_feature, rows)))
            what = f"annotations of the {layer.kind} layer {layer.short_name}, not converted"
            _note(what, number, file, reading)
            continue
        yield from _spans(layer, chosen, rows)
        for feature in layer.features:
            number = sum(bool(span.label) for span in _spans(layer, feature, rows)) if feature != chosen else 0
            _note(f"values of the feature {layer.short_name}.{feature}, not converted", number, file, reading)


def _note(message: str, number: int, file: SourceFile, reading: ReadingContext) -> None:
    if number:
        reading.account.note(message, f"{file.name}:1", number=number)


def _sentences(lines: Sequence[tuple[int, str]], file: SourceFile) -> Iterator[_Sentence]:
    sentence: _Sentence | None = None
    for number, line in lines:
        if line.startswith(TEXT):
            if sentence is not None and not sentence.rows:  # a text over several lines
                sentence.text += "\n" + unescaped(line.removeprefix(TEXT))
                continue
            if sentence is not None:
                yield sentence
            sentence = _Sentence(number, unescaped(line.removeprefix(TEXT)))
        elif (found := ROW.fullmatch(line)) is not None and sentence is not None:
            place = f"{file.name}:{number}"
            start, end = parsed_offset(found["start"], place), parsed_offset(found["end"], place)
            sentence.rows.append(
                _Row(number, start, end, unescaped(found["form"]), found["part"] is not None, line.split("\t"))
            )
        elif not line.strip() and sentence is not None and not sentence.rows:
            yield sentence
            sentence = None
        elif line.strip() and not line.startswith("#"):
            raise CorpusError(
                f"{file.name}:{number}: {line[:80]!r} is not a token of WebAnno TSV 3", remedy="export the file again"
            )
    if sentence is not None:
        yield sentence


def _text(sentences: Sequence[_Sentence], file: SourceFile) -> str:
    """Return the text of the document; between sentences, where the format has none, line breaks.

    :raises CorpusError: If a token is not where its offsets are.
    """
    text = bytearray()
    gaps = 0
    for one in sentences:
        encoded = one.text.encode("utf-16-le", "surrogatepass")
        first = one.rows[0]
        lead = max(one.text.find(first.form), 0)
        begin = first.start * SIZE - len(one.text[:lead].encode("utf-16-le", "surrogatepass"))
        gap = (begin - len(text)) // SIZE
        gaps += gap
        if gap < 0:
            raise _misplaced(file, first)
        if gaps > MAX_GAPS:
            raise CorpusError(
                f"{file.name}:{first.line}: {first.form[:80]!r} is at {first.start:,}, {gap:,} after the sentence"
                f" before it; the limit of all that is between sentences is {MAX_GAPS:,}",
                remedy="export the file again; texts and offsets must not be edited",
            )
        text += (" " * (gap - 1) + "\n" if gap else "").encode("utf-16-le") + encoded
        for row in one.rows:
            found = text[row.start * SIZE : row.end * SIZE]
            if len(found) != (row.end - row.start) * SIZE or found.decode("utf-16-le", "surrogatepass") != row.form:
                raise _misplaced(file, row)
    return text.decode("utf-16-le", "surrogatepass")


def _misplaced(file: SourceFile, row: _Row) -> CorpusError:
    return CorpusError(
        f"{file.name}:{row.line}: {row.form[:80]!r} is not at {row.start}-{row.end} of the text",
        remedy="export the file again; texts and offsets must not be edited",
    )


def _characters(text: str) -> dict[int, int]:
    """Return the index of the character at each UTF-16 unit."""
    places, unit = {}, 0
    for index, character in enumerate(text):
        places[unit] = index
        unit += 1 + (character > "\uffff")
    places[unit] = len(text)
    return places


def _spans(layer: Layer, feature: str, rows: Sequence[_Row]) -> Iterator[AnnotatedSpan]:
    """Yield the spans of a layer, labelled by a feature, with offsets in UTF-16 units.

    There is one for each number, and for each cell without a number.
    """
    numbered: dict[str, list[_Row]] = {}
    labels: dict[str, str] = {}
    for row in rows:
        for label, number in labels_in(row.cells[layer.feature_column(feature)]):
            named = label if feature else layer.short_name
            if number is None:
                yield AnnotatedSpan(((row.start, row.end),), named, row.line)
            else:
                numbered.setdefault(number, []).append(row)
                labels.setdefault(number, named)
    for number, found in numbered.items():
        yield AnnotatedSpan(((found[0].start, found[-1].end),), labels[number], found[0].line)


def _in_characters(span: AnnotatedSpan, places: dict[int, int]) -> AnnotatedSpan:
    return AnnotatedSpan(((places[span.start], places[span.end]),), span.label, span.line)
