"""CSV of tokens: a token and its tag in each row, as Kaggle's "Annotated Corpus for NER" has them."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.formats.csv_rows import CsvHeader, csv_header, csv_rows, forced_header
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.standard_tags import first_places, standard_tags
from spacy_lambda.conversion.formats.table_rows import has_offsets
from spacy_lambda.conversion.formats.tagged_rows import TaggedRow
from spacy_lambda.conversion.formats.token_documents import annotated_rows, written_tokens
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["find", "read", "write"]

SUFFIXES = (".csv", ".tsv", ".txt")
COLUMNS = ("document", "group", "sentence", "token", "tag")

TOKEN = ("token", "tokens", "word", "words", "form")
TAG = (
    "ner_tag",
    "ner_tags",
    "ner",
    "bio",
    "iob",
    "biluo",
    "bilou",
    "bioes",
    "tag",
    "tags",
    "label",
    "labels",
    "entity",
)
SENTENCE = ("sentence", "sentence_id", "sentence_idx", "sentence_number", "sentence_no", "sent", "sent_id")
DOCUMENT = ("document", "document_id", "doc", "doc_id", "article_id", "filename", "file")
GROUP = ("group",)


@dataclass(frozen=True)
class _Cells:
    """The cells of a row, with empty ones for columns that the table has not."""

    document: str
    group: str
    sentence: str
    token: str
    tag: str


EMPTY = _Cells("", "", "", "", "")


@dataclass(frozen=True)
class _Columns:
    """The columns of a table."""

    document: int | None
    group: int | None
    sentence: int | None
    token: int | None
    tag: int | None

    @classmethod
    def of(cls, header: CsvHeader) -> _Columns:
        document = header.index(DOCUMENT)
        group = None if document is None else header.index(GROUP)
        return cls(document, group, header.index(SENTENCE), header.index(TOKEN), header.index(TAG))

    def cells(self, row: Sequence[str]) -> _Cells:
        found = ("" if column is None else row[column].strip() for column in vars(self).values())
        return _Cells(*found)


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    named = [one for one in files if one.suffix in SUFFIXES or len(files) == 1]
    return [one for one in named if csv_header(one, _is_known) is not None]


def _is_known(header: CsvHeader) -> bool:
    """Return whether a table has tokens and tags. With tabs it is one of columns, unless it names the sentences."""
    columns = _Columns.of(header)
    if columns.token is None or columns.tag is None or has_offsets(header):
        return False
    return header.delimiter != "\t" or (columns.sentence, columns.document) != (None, None)


def _header(file: SourceFile) -> CsvHeader:
    """Return the header of a file. With tabs, quotes are often tokens: they quote cells if these are on one line."""
    header = csv_header(file, _is_known) or forced_header(file)
    if header.delimiter != "\t":
        return header
    try:
        has_quotes = not any("\n" in cell for _, row in csv_rows(file, header) for cell in row)
    except CorpusError:
        has_quotes = False
    return replace(header, has_quotes=has_quotes)


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    return annotated_rows({file: _tagged(file, reading) for file in files}, reading)


def _tagged(file: SourceFile, reading: ReadingContext) -> list[TaggedRow]:
    """Return the rows of a file, with tags in the standard notation.

    :raises CorpusError: If columns are missing, or a row has no tag.
    """
    file.check_not_empty()
    header = _header(file)
    columns = _Columns.of(header)
    if columns.token is None or columns.tag is None:
        raise CorpusError(
            f"{file.name}:{header.line}: no columns have tokens and tags; columns:"
            f" {', '.join(map(repr, header.names))[:200]}",
            remedy='name them "token" and "tag"',
        )
    reading.account.note_columns(header.others([*vars(columns).values()]), file.name)
    rows = list(_rows(file, header, columns, reading))
    places = first_places((tag, f"{file.name}:{row.line}") for row in rows for tag in row.tags)
    standard = standard_tags(places, reading)
    return [replace(row, tags=tuple(standard[tag] for tag in row.tags)) for row in rows]


def _rows(file: SourceFile, header: CsvHeader, columns: _Columns, reading: ReadingContext) -> Iterator[TaggedRow]:
    """Yield the rows, with one before each document and each sentence.

    An empty cell continues the sentence or the document; a name below empty cells begins one in any case.
    """
    seen = set[tuple[str, str]]()
    last, document = EMPTY, ""
    for line, row in csv_rows(file, header):
        cells = columns.cells(row) if row else EMPTY
        place = f"{file.name}:{line}"
        is_empty = not (cells.token or cells.tag)
        is_document = cells.document not in ("", last.document)
        is_sentence = is_document or cells.sentence not in ("", last.sentence)
        if is_document:
            document = cells.document
            yield TaggedRow(line, begins=document, group=cells.group or None)
        elif is_sentence or is_empty:
            yield TaggedRow(line)
        if is_sentence and (document, cells.sentence) in seen:
            detail = f"{document} {cells.sentence}".strip()
            reading.account.note("sentences with the name of an earlier one", place, detail=detail)
        seen |= {(document, cells.sentence)} if is_sentence else set()
        last = replace(cells, document=cells.document or last.document) if is_empty else cells
        if not is_empty and not cells.tag:
            raise CorpusError(f"{place}: the token {cells.token[:80]!r} has no tag", remedy="correct or remove the row")
        if not is_empty:
            yield TaggedRow(line, cells.token, (cells.tag,))


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    names = set[str]()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for document in documents:
            identifier, group = _name(document, names), document.group or ""
            for index, token, tag in written_tokens(document):
                sentence = max(bisect_right(document.sentences, index), 1)
                writer.writerow([identifier, group, sentence, token, tag])


def _name(document: AnnotatedDocument, names: set[str]) -> str:
    """Return a document's identifier, with a number if an earlier document has it, too."""
    base = document.id.strip() or "document"
    name, number = base, 1
    while name in names:
        number += 1
        name = f"{base}-{number}"
    names.add(name)
    return name
