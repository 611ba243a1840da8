"""A token and its tag in each line: BIO and BILUO TSV, CoNLL 2003 and later, as UBIAI and Label Studio export them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.tagged_columns import TaggedRow, escaped_token, has_tags, tagged_rows
from spacy_lambda.conversion.formats.token_documents import Sentence, TokenDocument, annotated_tokens, scheme_of
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import TaggedSpan, biluo_tags, bio_tags
from spacy_lambda.conversion.token_bounds import token_span

__all__ = ["find", "read", "write"]

SUFFIXES = (".conll", ".conllu", ".conll2003", ".iob", ".iob2", ".bio", ".biluo", ".bilou", ".tsv", ".txt", ".tags")

BREAKS = re.compile(r"[\t\r\n]+")


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    named = [one for one in files if one.suffix in SUFFIXES or len(files) == 1]
    return [one for one in named if has_tags(one)]


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    rows = {file: tagged_rows(file, reading) for file in files}
    scheme = scheme_of([*rows.items()])
    for file, found in rows.items():
        if file.note:
            reading.account.note(f"files {file.note}", f"{file.name}:1")
        for one in _documents(found, file, reading, is_alone=len(files) == 1):
            yield annotated_tokens(one, file, scheme, reading)


def _documents(
    rows: list[TaggedRow], file: SourceFile, reading: ReadingContext, *, is_alone: bool
) -> Iterator[TokenDocument]:
    """Yield documents: by the lines that begin one if these have identifiers or there are several, else sentences."""
    parts = [(part[0], sentences) for part in _parts(rows) if (sentences := _sentences(part))]
    names = [first.begins for first, _ in parts if first.begins is not None]
    unit = reading.options.documents
    if unit == "auto":
        has_sentences = sum(len(sentences) for _, sentences in parts) > 1
        unit = "docstart" if len(names) > 1 or any(names) else "sentence" if has_sentences else "file"
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


def _parts(rows: list[TaggedRow]) -> list[list[TaggedRow]]:
    """Return the rows of each document."""
    parts: list[list[TaggedRow]] = []
    for row in rows:
        if row.begins is not None or not parts:
            parts.append([])
        parts[-1].append(row)
    return parts


def _sentences(rows: list[TaggedRow]) -> list[Sentence]:
    sentences: list[Sentence] = [[]]
    for row in rows:
        if row.token is None:
            sentences.append([])
        else:
            sentences[-1].append(row)
    return [sentence for sentence in sentences if sentence]


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    make_tags = biluo_tags if name == "biluo" else bio_tags
    middle = ("-X-", "_") if name == "conll" else ()
    words = [document.text[start:end] for document in documents for start, end in document.tokens or ()]
    labels = {span.label for document in documents for span in document.spans}
    has_spaces = any(not _is_one(word) for word in [*words, *labels])
    separator = "\t" if has_spaces or name != "conll" else " "
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            names = [_in_parentheses(one) for one in (document.id, document.group) if one is not None]
            file.write(separator.join([" ".join(["-DOCSTART-", *names]), *middle, "O"]) + "\n\n")
            tokens = document.tokens or ()
            spans = (
                TaggedSpan(*token_span(tokens, one.start, one.end), BREAKS.sub(" ", one.label))
                for one in document.spans
            )
            tags = make_tags(len(tokens), spans)
            for index, ((start, end), tag) in enumerate(zip(tokens, tags, strict=True)):
                if index and index in document.sentences:
                    file.write("\n")
                word = " ".join(document.text[start:end].split())
                if word:  # the format has no token of white space
                    file.write(separator.join([escaped_token(word), *middle, tag]) + "\n")
            file.write("\n")


def _in_parentheses(name: str) -> str:
    """Return the name of a document or a group, on one line, and with no parenthesis that would end it."""
    return f"({' '.join(name.split()).replace(') ', ')_')})"


def _is_one(word: str) -> bool:
    return len(word.split()) <= 1
