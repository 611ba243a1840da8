"""Parquet of Hugging Face's data sets: tokens and ``ner_tags`` in each row, or a text and its spans."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.formats.json_items import JsonItem
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_lines import document_of_item
from spacy_lambda.conversion.formats.span_values import plain_text
from spacy_lambda.conversion.formats.tag_names import named_tags, names_metadata
from spacy_lambda.conversion.formats.tag_notations import notation_of, note_notation
from spacy_lambda.conversion.formats.tagged_columns import TaggedRow
from spacy_lambda.conversion.formats.token_documents import TokenDocument, annotated_tokens, scheme_of
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import OUTSIDE, TaggedSpan, bio_tags, parse_tag
from spacy_lambda.conversion.token_bounds import token_span
from spacy_lambda.errors import CorpusError, first_line

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["find", "read", "write"]

MAGIC = b"PAR1"
TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels")
IDS = ("id", "guid")
GROUPS = ("group", "doc_id", "document_id", "article_id")


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in files if one.suffix in (".parquet", ".pq") or (len(files) == 1 and _is_parquet(one))]


def _is_parquet(file: SourceFile) -> bool:
    return file.content.startswith(MAGIC)


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    found = [(file, *_table(file)) for file in files]
    tagged = [(file, list(_tagged(file, table, names, reading))) for file, table, names in found if names is not None]
    rows = [
        (file, [row for one in documents for row in (TaggedRow(0), *one.sentences[0])]) for file, documents in tagged
    ]
    scheme = scheme_of(rows)
    for file, documents in tagged:
        for one in documents:
            yield annotated_tokens(one, file, scheme, reading)
    for file, table, names in found:
        for number, row in enumerate(table.to_pylist() if names is None else (), start=1):
            yield document_of_item(JsonItem(file, number, number, row), reading)


def _table(file: SourceFile) -> tuple[pa.Table, tuple[str, str] | None]:
    """Return a file's table, and the columns of tokens and tags, if it has both.

    :raises CorpusError: If it cannot be read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(file.content))
    except (pa.ArrowException, OSError, ValueError) as exc:
        raise CorpusError(
            f"{file.name} cannot be read as Parquet: {first_line(exc)[:300]}", remedy="download or write it again"
        ) from exc
    tokens, tags = (next((one for one in names if one in table.column_names), None) for names in (TOKENS, TAGS))
    return table, None if tokens is None or tags is None else (tokens, tags)


def _tagged(
    file: SourceFile, table: pa.Table, columns: tuple[str, str], reading: ReadingContext
) -> Iterator[TokenDocument]:
    """Yield the documents of a table, a row each, which is the line in messages."""
    names = _prefixed(
        _in_one_notation(reading.options.tag_names or named_tags(table.schema, columns[1]), file, reading)
    )
    wanted = [name for name in (*IDS, *GROUPS, *columns) if name in table.column_names]
    reading.account.note_columns([name for name in table.column_names if name not in wanted], file.name)
    for number, row in enumerate(table.select(wanted).to_pylist(), start=1):
        place = f"{file.name}:{number}"
        rows = list(_row_of_tokens(row, columns, names, place, number))
        identifier, group = (
            next((text for one in keys if (text := plain_text(row.get(one)))), None) for keys in (IDS, GROUPS)
        )
        if rows:
            yield TokenDocument(identifier or f"{file.stem}-{number}", [rows], group)
        else:
            reading.account.note("rows without tokens, left out", place)


def _row_of_tokens(
    row: Mapping[str, Any], columns: tuple[str, str], names: Sequence[str], place: str, number: int
) -> Iterator[TaggedRow]:
    """Yield the tokens of a row with their tags; a null one has no characters.

    :raises CorpusError: If there are not as many tags, or a token is neither a string nor a number.
    """
    tokens, tags = (() if row[column] is None else row[column] for column in columns)
    for column, values in zip(columns, (tokens, tags), strict=True):
        if not isinstance(values, list | tuple):
            raise CorpusError(f"{place}: {column!r} is not a list: {values!r:.80}", remedy="write lists, not text")
    if len(tokens) != len(tags):
        raise CorpusError(
            f"{place}: the row has {len(tokens)} tokens and {len(tags)} tags", remedy="correct or remove the row"
        )
    for index, (value, numeric) in enumerate(zip(tokens, tags, strict=True)):
        token, tag = plain_text(value), _tag(numeric, names, place)
        if token is None and not _is_null(value):
            raise CorpusError(
                f"{place}: token {index} is not a string: {value!r:.80}", remedy="write the tokens as strings"
            )
        if not (token or "").strip() and tag != OUTSIDE:
            raise CorpusError(
                f"{place}: token {index} has the tag {tag} and no characters: {value!r}",
                remedy="correct or remove the row",
            )
        yield TaggedRow(number, token, (tag,))


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _in_one_notation(names: Sequence[str], file: SourceFile, reading: ReadingContext) -> Sequence[str]:
    """Return names of tags as ``B-LABEL``, if all of them have another notation, and count the file."""
    if (notation := notation_of(names)) is None:
        return names
    label = note_notation(notation, f"{file.name}:1", reading)
    return [notation.standard(name, label) for name in names]


def _prefixed(names: Sequence[str]) -> Sequence[str]:
    """Return names of tags with ``I-`` before each label, if none has a prefix."""
    if any(name != OUTSIDE and parse_tag(name) is not None for name in names):
        return names
    return [name if name == OUTSIDE else f"I-{name}" for name in names]


def _tag(value: Any, names: Sequence[str], place: str) -> str:
    """Return the name of a tag.

    :raises CorpusError: If it has none.
    """
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value in range(len(names))
    if is_number:
        return names[int(value)]
    problem = (
        f"the tag {value} is not one of {len(names)} names" if names else f"the file has no name for the tag {value}"
    )
    if _is_null(value):
        raise CorpusError(f"{place}: a token has no tag: {value}", remedy="correct or remove the row")
    raise CorpusError(f"{place}: {problem}", remedy="name the tags from 0, as in --tag-names O,B-MAT,I-MAT")


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [_row(document) for document in documents]
    labels = sorted({span.label for document in documents for span in document.spans})
    names = ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]
    numbers = {tag: number for number, tag in enumerate(names)}
    columns: Mapping[str, Any] = {
        "id": pa.array([row["id"] for row in rows], pa.string()),
        "group": pa.array([row["group"] for row in rows], pa.string()),
        "tokens": pa.array([row["tokens"] for row in rows], pa.list_(pa.string())),
        "ner_tags": pa.array([[numbers[tag] for tag in row["tags"]] for row in rows], pa.list_(pa.int64())),
    }
    table = pa.table(columns).replace_schema_metadata(names_metadata(names))
    parquet.write_table(table, path)


def _row(document: AnnotatedDocument) -> Mapping[str, Any]:
    bounds = document.tokens or ()
    spans = [TaggedSpan(*token_span(bounds, one.start, one.end), one.label) for one in document.spans]
    tagged = zip(bounds, bio_tags(len(bounds), spans), strict=True)
    kept = [(document.text[start:end], tag) for (start, end), tag in tagged if document.text[start:end].strip()]
    tokens, tags = [token for token, _ in kept], [tag for _, tag in kept]
    return {"id": document.id, "group": document.group, "tokens": tokens, "tags": tags}
