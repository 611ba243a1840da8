"""JSON Lines of Hugging Face's data sets: tokens and ``ner_tags`` in each line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, Line
from spacy_lambda.conversion.formats.json_items import JsonItem, first_item, json_files, json_items
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_lists import note_values
from spacy_lambda.conversion.formats.span_values import group_value, write_json_lines
from spacy_lambda.conversion.formats.tagged_rows import TokenDocument
from spacy_lambda.conversion.formats.token_documents import written_tokens
from spacy_lambda.conversion.formats.token_lists import (
    NAMED,
    ListKeys,
    annotated_lists,
    documents_of_lists,
    has_token_lists,
    is_plain_list,
    list_keys,
)
from spacy_lambda.conversion.source_files import SourceFile

__all__ = ["find", "read", "write"]


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in json_files(files) if has_token_lists(first_item(one))]


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    yield from annotated_lists({file: _documents(file, reading) for file in files}, reading)


def _documents(file: SourceFile, reading: ReadingContext) -> list[TokenDocument]:
    return documents_of_lists((_row(item, reading) for item in json_items(file, reading)), file, reading)


def _row(item: JsonItem, reading: ReadingContext) -> tuple[Line, ListKeys, Mapping[str, Any]]:
    """Return line, keys and values of an object, and count its other values.

    :raises CorpusError: If it has no tokens or no tags.
    """
    values = item.object()
    keys = list_keys(values, reading, has_tags=lambda key: is_plain_list(values[key]))
    if keys is None:
        missing = f"tokens or tags are missing; keys: {', '.join(map(repr, values))[:200]}"
        raise item.error(missing, 'name them "tokens" and "ner_tags", or the key of the tags with --spans-from')
    for key, value in values.items():
        if value and key not in (*NAMED, keys.tokens, keys.tags):
            note_values(key, value, item, reading)
    return item.line, keys, values


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    write_json_lines(documents, path, _values)


def _values(document: AnnotatedDocument) -> Mapping[str, Any]:
    kept = list(written_tokens(document))
    lists = {"tokens": [token for _, token, _ in kept], "ner_tags": [tag for _, _, tag in kept]}
    return {"id": document.id, **group_value(document), **lists}
