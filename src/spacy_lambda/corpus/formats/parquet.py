"""Parquet, such as the Hub's data sets and pandas have."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import pyarrow as pa
from pyarrow import parquet, types

from spacy_lambda.core.annotation import ANNOTATED_KEYS, Document, carried_name, encode_line
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.corpus.arrow_types import column_type
from spacy_lambda.corpus.formats.arrow_inference import SeenValues, clean
from spacy_lambda.corpus.formats.arrow_values import OutOfRangeError, json_values, plain_type, repeated_field, restored
from spacy_lambda.corpus.formats.documents import escaped, invalid_document, make_document
from spacy_lambda.corpus.formats.registry import Columns, Lines, Source, Write
from spacy_lambda.errors import CorpusError

__all__ = ["read", "writer"]

READ_ROWS = 256
WRITTEN_ROWS = 5_000
WRITTEN_BYTES = 16_000_000
"""A row group ends with whichever comes first. Bytes are counted in the lines of JSON, with all columns."""

MAX_COLUMNS = 10_000
DIFFERENT = (pa.ArrowException, ValueError, TypeError, OverflowError)


def read(stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
    number = 0
    with _errors(file), _seekable(stream) as source:
        opened = parquet.ParquetFile(source, buffer_size=CHUNK_BYTES, pre_buffer=False)
        names = _check(opened.schema_arrow, file, columns)
        for batch in opened.iter_batches(batch_size=READ_ROWS):
            for row in _rows(batch):
                number += 1
                if isinstance(row, OutOfRangeError):
                    yield invalid_document(file, number, str(row), "correct the value, or write null")
                else:
                    yield make_document(dict(zip(names, row, strict=True)), file, number, columns)


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...] | OutOfRangeError]:
    """Yield the values of each row, or its error."""
    try:
        yield from zip(*map(_values, batch.schema.names, batch.columns), strict=True)
    except OutOfRangeError as exc:
        if batch.num_rows == 1:
            yield exc
            return
        for number in range(batch.num_rows):
            yield from _rows(batch.slice(number, 1))


def _values(name: str, column: pa.Array) -> list[Any]:
    try:
        return json_values(column)
    except OutOfRangeError as exc:
        raise OutOfRangeError(f"{name[:100]!r}: {exc}") from exc


def _check(schema: pa.Schema, file: str, columns: Columns) -> list[str]:
    """Return the names of the columns.

    :raises CorpusError: If one that is needed is missing, ambiguous or not text.
    """
    names = list(schema.names)
    columns.check(names, file)
    if len(set(names)) < len(names):
        ((twice, _),) = Counter(names).most_common(1)
        raise CorpusError(f"{file}: the column {twice!r} occurs twice", remedy="rename one of them")
    for name in names:
        if (field := repeated_field(plain_type(schema.field(name).type))) is not None:
            raise CorpusError(f"{file}: the column {name!r} has two fields {field!r}", remedy="rename one of them")
    kind = plain_type(schema.field(columns.text).type)
    if not (types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_null(kind)):
        raise CorpusError(
            f"{file}: the column {columns.text!r} has the type {kind}, not string",
            remedy="name the column of the texts with --text-column",
        )
    return names


@contextmanager
def _errors(file: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:  # of the system; Arrow's have no number
            raise
        reason = str(exc).strip().partition("\n")[0]
        raise CorpusError(f"{file} cannot be read as Parquet: {reason}", remedy="fetch or write it again") from exc
    except UnicodeDecodeError as exc:
        raise CorpusError(f"{file}: a string is not UTF-8: {exc}", remedy="write it again as UTF-8") from exc


@contextmanager
def _seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Return the stream, or a copy of it if it can only be read from start to end."""
    if stream.seekable():
        yield stream
        return
    with TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy, CHUNK_BYTES)
        copy.seek(0)
        yield cast(BinaryIO, copy)


def writer(every: Lines, sources: Sequence[Source], columns: Columns, parts: Sequence[str]) -> Write:
    """Look through all lines for the types of their columns; columns of Parquet sources get their types back."""
    seen = {"id": SeenValues()}
    types_before = _types_of(sources, columns)
    for chunk in _chunks(every()):
        _see(chunk, seen)
        for name in [name for name in types_before if name in seen]:
            try:
                restored([line.get(name) for line in chunk], types_before[name])
            except DIFFERENT:
                del types_before[name]
    table = _Table(seen, types_before, [part for part in DOC_PARTS if part in parts])

    def write(lines: Lines, stream: BinaryIO) -> None:
        with parquet.ParquetWriter(stream, table.schema) as file:
            for chunk in _chunks(lines()):
                file.write_table(table.rows(chunk))

    return write


def _types_of(sources: Sequence[Source], columns: Columns) -> dict[str, pa.DataType]:
    """Return the types of carried columns that all sources agree on; none unless all are Parquet and open again."""
    found: dict[str, pa.DataType] | None = None
    if any(source.format.name != "parquet" or source.read_once for source in sources):
        return {}
    for source in sources:
        with source.open() as stream:
            if not stream.seekable():
                return {}
            schema = parquet.read_schema(stream)
        names = [name for name in schema.names if name != columns.text]
        own = {carried_name(name, names, ANNOTATED_KEYS): plain_type(schema.field(name).type) for name in names}
        found = own if found is None else {key: kind for key, kind in found.items() if own.get(key) == kind}
    return found or {}


def _chunks(lines: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    chunk, size = list[Mapping[str, Any]](), 0
    for line in lines:
        chunk.append(line)
        size += len(encode_line(line))
        if len(chunk) == WRITTEN_ROWS or size >= WRITTEN_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _see(chunk: Iterable[Mapping[str, Any]], seen: dict[str, SeenValues]) -> None:
    """See the values of carried columns."""
    for line in chunk:
        for name, value in line.items():
            if name != "text" and name not in DOC_PARTS:
                if name not in seen:
                    seen[name] = SeenValues()
                seen[name].add(value)
        if len(seen) > MAX_COLUMNS:
            raise CorpusError(
                f"the documents have more than {MAX_COLUMNS:,} different keys, the limit of a Parquet file",
                remedy="choose jsonl, or put the keys into one object",
            )


class _Table:
    """The columns of an output.

    :param seen: Values of carried columns.
    :param types_before: Types that they had in the sources.
    :param parts: Parts of a Doc.
    """

    def __init__(
        self, seen: Mapping[str, SeenValues], types_before: Mapping[str, pa.DataType], parts: Sequence[str]
    ) -> None:
        kinds = {name: types_before.get(name, values.type) for name, values in seen.items()}
        self._columns = {name: _writer_of(values, kinds[name], name in types_before) for name, values in seen.items()}
        if not types.is_integer(kinds["id"]):
            kinds["id"], self._columns["id"] = pa.string(), lambda values: _array(list(map(str, values)), pa.string())
        kinds["text"], self._columns["text"] = pa.string(), lambda values: _array(values, pa.string())
        for part in parts:
            kinds[part], self._columns[part] = column_type(part), partial(_part, kind=column_type(part))
        self.schema = pa.schema([(escaped(name), kind) for name, kind in kinds.items()])

    def rows(self, lines: Sequence[Mapping[str, Any]]) -> pa.Table:
        """Return rows of the table."""
        arrays = [column([line.get(name) for line in lines]) for name, column in self._columns.items()]
        return pa.Table.from_arrays(arrays, schema=self.schema)


def _writer_of(seen: SeenValues, kind: pa.DataType, is_restored: bool) -> Callable[[list[Any]], pa.Array]:
    """Return the function that makes a column of values."""
    if is_restored:
        return lambda values: restored(values, kind)
    encode = seen.encoder()
    return lambda values: _array(values if encode is None else list(map(encode, values)), kind)


def _part(values: list[Any], kind: pa.DataType) -> pa.Array:
    if types.is_map(kind):
        values = [None if value is None else [(escaped(key), one) for key, one in value.items()] for value in values]
    return _array(values, kind)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type=kind)
    except UnicodeEncodeError:
        return pa.array(clean(values), type=kind)
