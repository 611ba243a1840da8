"""A token and its tag in each line: BIO and BILUO TSV, CoNLL 2003 and later, as UBIAI and Label Studio export them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.formats.column_lines import escaped_token
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.tagged_columns import has_tags, tagged_rows
from spacy_lambda.conversion.formats.token_documents import annotated_rows
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
    return annotated_rows({file: tagged_rows(file, reading) for file in files}, reading)


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
            spans = [
                TaggedSpan(*token_span(tokens, one.start, one.end), BREAKS.sub(" ", one.label))
                for one in document.spans
            ]
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
