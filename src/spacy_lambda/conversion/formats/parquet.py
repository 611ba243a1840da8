"""Parquet of Hugging Face's data sets: tokens and ``ner_tags`` in each row, or a text and its spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.formats.json_items import JsonItem
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_lines import documents_of_items
from spacy_lambda.conversion.formats.tag_names import named_tags, names_metadata
from spacy_lambda.conversion.formats.tagged_rows import TokenDocument
from spacy_lambda.conversion.formats.token_documents import written_tokens
from spacy_lambda.conversion.formats.token_lists import (
    NAMED,
    ListKeys,
    annotated_lists,
    documents_of_lists,
    list_keys,
)
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError, first_line

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["find", "read", "write"]

MAGIC = b"PAR1"


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in files if one.suffix in (".parquet", ".pq") or (len(files) == 1 and _is_parquet(one))]


def _is_parquet(file: SourceFile) -> bool:
    return file.content.startswith(MAGIC)


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    tables = {file: _table(file) for file in files}
    keys = {file: _keys(table, reading) for file, table in tables.items()}
    tagged = {file: _tagged(file, tables[file], one, reading) for file, one in keys.items() if one is not None}
    yield from annotated_lists(tagged, reading)
    for file, table in tables.items():
        rows = enumerate(table.to_pylist() if keys[file] is None else (), start=1)
        yield from documents_of_items((JsonItem(file, number, number, row) for number, row in rows), reading)


def _table(file: SourceFile) -> pa.Table:
    """Return a file's table.

    :raises CorpusError: If it cannot be read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(pa.BufferReader(file.content))
    except (pa.ArrowException, OSError, ValueError) as exc:
        raise CorpusError(
            f"{file.name} cannot be read as Parquet: {first_line(exc)[:300]}", remedy="download or write it again"
        ) from exc


def _keys(table: pa.Table, reading: ReadingContext) -> ListKeys | None:
    """Return the columns of tokens and tags, if it has both."""
    import pyarrow as pa

    def has_tags(name: str) -> bool:
        kind = table.schema.field(name).type
        return pa.types.is_list(kind) and not pa.types.is_nested(kind.value_type)

    return list_keys(table.column_names, reading, has_tags=has_tags)


def _tagged(file: SourceFile, table: pa.Table, keys: ListKeys, reading: ReadingContext) -> list[TokenDocument]:
    """Return the documents of a table, a row each, which is the line in messages."""
    wanted = [name for name in table.column_names if name in (*NAMED, keys.tokens, keys.tags)]
    reading.account.note_columns([name for name in table.column_names if name not in wanted], file.name)
    rows = ((number, keys, row) for number, row in enumerate(table.select(wanted).to_pylist(), start=1))
    return documents_of_lists(rows, file, reading, named_tags(table.schema, keys.tags))


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
    kept = list(written_tokens(document))
    tokens, tags = [token for _, token, _ in kept], [tag for _, _, tag in kept]
    return {"id": document.id, "group": document.group, "tokens": tokens, "tags": tags}
