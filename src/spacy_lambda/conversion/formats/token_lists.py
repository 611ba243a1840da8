"""Lists of tokens and of their tags, as rows of Hugging Face's data sets have them -> documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, Line
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.span_values import GROUP_KEYS, groups_of, plain_text
from spacy_lambda.conversion.formats.standard_tags import first_places, standard_tags
from spacy_lambda.conversion.formats.tagged_rows import TaggedRow, TokenDocument
from spacy_lambda.conversion.formats.token_documents import annotated_tokens, scheme_of
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = [
    "NAMED",
    "ListKeys",
    "annotated_lists",
    "documents_of_lists",
    "has_token_lists",
    "is_plain_list",
    "list_keys",
]

TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels")
IDS = ("id", "guid")
NAMED = (*IDS, *GROUP_KEYS, "meta")
"""Keys of a row besides its lists that are read."""


@dataclass(frozen=True)
class ListKeys:
    """The keys of the lists of a row.

    :param tokens: The key of its tokens.
    :param tags: The key of their tags.
    """

    tokens: str
    tags: str


def has_token_lists(values: Any) -> bool:
    """Return whether an object has tokens and their tags, rather than spans or categories under the same keys."""
    if not isinstance(values, dict) or not any(is_plain_list(values.get(key)) for key in TOKENS):
        return False
    lengths = {len(values[key]) for key in TOKENS if is_plain_list(values.get(key))}
    tags = [key for key in TAGS if is_plain_list(values.get(key))]
    return any(key == TAGS[0] or len(values[key]) in lengths for key in tags)


def is_plain_list(values: Any) -> bool:
    """Return whether a value is a list without lists and objects."""
    return isinstance(values, list) and not any(isinstance(one, list | dict) for one in values)


def list_keys(names: Collection[str], reading: ReadingContext, *, has_tags: Callable[[str], bool]) -> ListKeys | None:
    """Return the keys of tokens and tags: those that the user names, or the usual ones; ``None`` if one is missing.

    :param has_tags: Returns whether a key that the user names may have tags rather than spans.
    """
    found = [key for key in TAGS if key in names]
    reading.places.update(dict.fromkeys(found))
    tokens = next((key for key in TOKENS if key in names), None)
    tags = reading.options.spans_from or next(iter(found), None)
    if tokens is None or tags is None or tags not in names or not (tags in TAGS or has_tags(tags)):
        return None
    reading.places[tags] = None
    return ListKeys(tokens, tags)


def documents_of_lists(
    rows: Iterable[tuple[Line, ListKeys, Mapping[str, Any]]],
    file: SourceFile,
    reading: ReadingContext,
    names: Sequence[str] = (),
) -> list[TokenDocument]:
    """Return the documents of a file, with tags in the standard notation.

    :param rows: Line, keys and values of each row.
    :param names: Names of numeric tags, unless the user names them.
    :raises CorpusError: If a row has other values than tokens and as many tags.
    """
    names = reading.options.tag_names or names
    documents = []
    for number, (line, keys, values) in enumerate(rows, start=1):
        place = f"{file.name}:{line}"
        tokens = list(_tokens(values, keys, names, place, line))
        if any(isinstance(tag, int | float) for tag in values.get(keys.tags) or ()):
            reading.numbered.add(file.name)
        identifier = next((text for key in IDS if (text := plain_text(values.get(key)))), None)
        group, others = groups_of(values, values.get("meta"))
        if tokens:
            documents.append(TokenDocument(identifier or f"{file.stem}-{number}", [tokens], group, others))
        else:
            reading.account.note("rows without tokens, left out", place)
    places = first_places((row.tags[0], f"{file.name}:{row.line}") for one in documents for row in one.sentences[0])
    standard = standard_tags(places, reading, names=names)
    return [
        replace(one, sentences=[[replace(row, tags=(standard[row.tags[0]],)) for row in one.sentences[0]]])
        for one in documents
    ]


def annotated_lists(
    found: Mapping[SourceFile, Sequence[TokenDocument]], reading: ReadingContext
) -> Iterator[AnnotatedDocument]:
    """Yield the documents of files, which have one scheme."""
    rows = [
        (file, [row for one in documents for row in (TaggedRow(0), *one.sentences[0])])
        for file, documents in found.items()
    ]
    scheme = scheme_of(rows)
    for file, documents in found.items():
        for one in documents:
            yield annotated_tokens(one, file, scheme, reading)


def _tokens(
    values: Mapping[str, Any], keys: ListKeys, names: Sequence[str], place: str, line: Line
) -> Iterator[TaggedRow]:
    """Yield the tokens of a row with their tags; a null one has no characters.

    :raises CorpusError: If there are not as many tags, or a token is neither a string nor a number.
    """
    tokens, tags = (() if values.get(key) is None else values[key] for key in (keys.tokens, keys.tags))
    for key, found in ((keys.tokens, tokens), (keys.tags, tags)):
        if not isinstance(found, list | tuple):
            raise CorpusError(f"{place}: {key!r} is not a list: {found!r:.80}", remedy="write lists, not text")
    if len(tokens) != len(tags):
        raise CorpusError(
            f"{place}: the row has {len(tokens)} tokens and {len(tags)} tags",
            remedy="correct or remove the row; --spans-from KEY names another key of the tags",
        )
    for index, (value, tag) in enumerate(zip(tokens, tags, strict=True)):
        token = plain_text(value)
        if token is None and not _is_null(value):
            raise CorpusError(
                f"{place}: token {index} is not a string: {value!r:.80}", remedy="write the tokens as strings"
            )
        yield TaggedRow(line, token, (_tag(tag, names, place),))


def _tag(value: Any, names: Sequence[str], place: str) -> str:
    """Return the name of a tag.

    :raises CorpusError: If it has none.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool) and value in range(len(names)):
        return names[int(value)]
    if _is_null(value):
        raise CorpusError(f"{place}: a token has no tag: {value}", remedy="correct or remove the row")
    problem = (
        f"the tag {value} is not one of {len(names)} names" if names else f"the file has no name for the tag {value}"
    )
    raise CorpusError(f"{place}: {problem}", remedy="name the tags from 0, as in --tag-names O,B-MAT,I-MAT")


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
