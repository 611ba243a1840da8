"""A file of WebAnno TSV -> its document: sentences put at their offsets, which are UTF-16 units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.webanno_values import FORMAT, Layer, labels_in, layers_in, unescaped
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["webanno_document"]

ROW = re.compile(r"\d+-\d+(?P<part>\.\d+)?\t(?P<start>\d+)-(?P<end>\d+)\t(?P<form>[^\t]*)(?:\t.*)?")
TEXT = "#Text="
SIZE = 2
"""Bytes of a UTF-16 unit."""


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
        raise CorpusError(
            f"{file.name}:1: {lines[0][1][:80]!r} is not WebAnno TSV 3", remedy="export as WebAnno TSV v3.3"
        )
    layers = layers_in([line for _, line in lines if line.startswith("#T_")])
    for layer in layers:
        if layer.kind != "span":
            reading.account.note(f"layers of {layer.kind}s of WebAnno, not converted", f"{file.name}:1")
    sentences = [one for one in _sentences(lines, file) if one.rows]
    text = _text(sentences, file)
    rows = [row for one in sentences for row in one.rows]
    spans = [span for layer in layers if layer.is_entities for span in _spans(layer, rows)]
    places = _characters(text)
    tokens = tuple((places[row.start], places[row.end]) for row in rows if not row.is_part)
    sizes = [sum(not row.is_part for row in one.rows) for one in sentences]
    begins = tuple(accumulate([0, *sizes[:-1]]))
    fixed = tuple(_in_characters(span, places) for span in spans)
    return AnnotatedDocument(
        file.stem, text, fixed, file.name, 1, None, tokens, begins if len(begins) > 1 else (), unit="characters"
    )


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
            start, end = int(found["start"]), int(found["end"])
            sentence.rows.append(
                _Row(number, start, end, unescaped(found["form"]), found["part"] is not None, line.split("\t"))
            )
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
    for one in sentences:
        encoded = one.text.encode("utf-16-le", "surrogatepass")
        first = one.rows[0]
        lead = max(one.text.find(first.form), 0)
        begin = first.start * SIZE - len(one.text[:lead].encode("utf-16-le", "surrogatepass"))
        gap = (begin - len(text)) // SIZE
        if gap < 0:
            raise _misplaced(file, first)
        text += (" " * (gap - 1) + "\n" if gap else "").encode("utf-16-le") + encoded
        for row in one.rows:
            if text[row.start * SIZE : row.end * SIZE].decode("utf-16-le", "surrogatepass") != row.form:
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


def _spans(layer: Layer, rows: Sequence[_Row]) -> Iterator[AnnotatedSpan]:
    """Yield the spans of a layer, with offsets in UTF-16 units: one for each number, and for each cell without one."""
    numbered: dict[str, list[_Row]] = {}
    labels: dict[str, str] = {}
    for row in rows:
        cell = row.cells[layer.label_column] if layer.label_column < len(row.cells) else "_"
        for label, number in labels_in(cell):
            named = label or ("" if layer.features else layer.name.rpartition(".")[2])
            if number is None:
                yield AnnotatedSpan(((row.start, row.end),), named, row.line)
            else:
                numbered.setdefault(number, []).append(row)
                labels.setdefault(number, named)
    for number, found in numbered.items():
        yield AnnotatedSpan(((found[0].start, found[-1].end),), labels[number], found[0].line)


def _in_characters(span: AnnotatedSpan, places: dict[int, int]) -> AnnotatedSpan:
    return AnnotatedSpan(((places[span.start], places[span.end]),), span.label, span.line)
