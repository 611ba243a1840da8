"""Rows of tokens and tags -> documents and their sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spacy_lambda.conversion.annotated_document import Line
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.source_files import SourceFile

__all__ = ["Sentence", "TaggedRow", "TokenDocument", "documents_of_rows"]


@dataclass(frozen=True)
class TaggedRow:
    """A row of a file of tokens.

    :param line: Its line.
    :param token: The token; ``None`` for a row that ends a sentence, and for one that begins a document.
    :param tags: Its tags, one for each level of nested spans.
    :param begins: Identifier of the document that begins here, which may be empty.
    :param group: Its group.
    """

    line: Line
    token: str | None = None
    tags: tuple[str, ...] = ()
    begins: str | None = None
    group: str | None = None


Sentence = list[TaggedRow]


@dataclass(frozen=True)
class TokenDocument:
    """The sentences of a document.

    :param id: Its identifier.
    :param sentences: Rows of each sentence.
    :param group: Documents of one group stay in one split.
    :param other_groups: Further groups that it is in.
    """

    id: str
    sentences: list[Sentence]
    group: str | None
    other_groups: tuple[str, ...] = ()


def documents_of_rows(
    rows: Sequence[TaggedRow], file: SourceFile, reading: ReadingContext, *, is_alone: bool
) -> Iterator[TokenDocument]:
    """Yield documents: by the rows that begin one if these have identifiers or there are several, else sentences.

    :param is_alone: False if the source has other files.
    """
    parts = [(part[0], sentences) for part in _parts(rows) if (sentences := _sentences(part))]
    names = [first.begins for first, _ in parts if first.begins is not None]
    unit = reading.options.documents
    if unit == "auto":
        has_sentences = sum(len(sentences) for _, sentences in parts) > 1
        unit = "docstart" if len(names) > 1 or any(names) else "sentence" if has_sentences else "file"
    if not parts:
        return
    if unit == "file":
        groups = tuple(first.group for first, _ in parts if first.group)
        every = [sentence for _, sentences in parts for sentence in sentences]
        yield TokenDocument(file.stem, every, next(iter(groups), None), groups)
        return
    for number, (first, sentences) in enumerate(parts, start=1):
        own = first.begins or (file.stem if len(parts) == 1 else f"{file.stem}-{number}")
        if unit == "docstart":
            yield TokenDocument(own, sentences, first.group)
            continue
        group = first.group or (own if len(names) > 1 else None if is_alone else file.stem)
        for index, sentence in enumerate(sentences, start=1):
            yield TokenDocument(f"{own}-{index}", [sentence], group)


def _parts(rows: Sequence[TaggedRow]) -> list[list[TaggedRow]]:
    """Return the rows of each document."""
    parts: list[list[TaggedRow]] = []
    for row in rows:
        if row.begins is not None or not parts:
            parts.append([])
        parts[-1].append(row)
    return parts


def _sentences(rows: Sequence[TaggedRow]) -> list[Sentence]:
    sentences: list[Sentence] = [[]]
    for row in rows:
        if row.token is None:
            sentences.append([])
        else:
            sentences[-1].append(row)
    return [sentence for sentence in sentences if sentence]
