"""The table of formats, and the functions of a format's module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.policies import ConversionOptions
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["ANNOTATION_FORMATS", "AnnotationFormat", "AnnotationModule", "ReadingContext", "named_annotation_format"]


@dataclass(frozen=True)
class ReadingContext:
    """What a reader is given besides files.

    :param options: The options of the conversion.
    :param account: The account, for observations.
    """

    options: ConversionOptions
    account: Account


class AnnotationModule(Protocol):
    """The interface of a format's module."""

    def find(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """Return those of the files that have this format, by their content; none if it is another."""
        ...

    def read(self, files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
        """Yield the annotated documents of files.

        :raises CorpusError: If a file cannot be read, with its name and the line.
        """
        ...

    def write(self, documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
        """Write documents to a new file, or a new folder. A format that is only read does not have it.

        :param name: The format's name, for a module of several.
        """
        ...


@dataclass(frozen=True)
class AnnotationFormat:
    """A format of annotations.

    :param name: Its name in ``--format`` and ``--to``.
    :param about: The tools that export it.
    :param module: Its module in this package.
    :param suffix: The suffix of a file that is written; empty for a folder.
    :param is_written: ``False`` if it is only read.
    :param has_tokens: ``True`` if its spans are spans of tokens.
    :param has_overlaps: ``True`` if spans may overlap.
    :param has_fragments: ``True`` if spans may be discontinuous.
    """

    name: str
    about: str
    module: str
    suffix: str
    is_written: bool = True
    has_tokens: bool = False
    has_overlaps: bool = True
    has_fragments: bool = False

    def open(self) -> AnnotationModule:
        """Import the module."""
        return cast(AnnotationModule, import_module(f"spacy_lambda.conversion.formats.{self.module}"))


ANNOTATION_FORMATS = {
    one.name: one
    for one in (
        AnnotationFormat("spacy", "spaCy", "docbin", ".spacy", has_tokens=True, has_overlaps=False),
        AnnotationFormat("brat", "brat", "brat", "", has_fragments=True),
        AnnotationFormat("conll", "CoNLL 2003", "tagged_tokens", ".conll", has_tokens=True, has_overlaps=False),
        AnnotationFormat("bio", "UBIAI and others: BIO", "tagged_tokens", ".tsv", has_tokens=True, has_overlaps=False),
        AnnotationFormat("biluo", "spaCy and others", "tagged_tokens", ".tsv", has_tokens=True, has_overlaps=False),
        AnnotationFormat("jsonl", "any tool: text and spans in each line", "span_lines", ".jsonl"),
    )
}
"""The formats by name, in the order in which they are tried."""


def named_annotation_format(name: str, *, written: bool = False) -> AnnotationFormat:
    """Return a format by its name.

    :param written: ``True`` if it is to be written.
    :raises CorpusError: If it is unknown, or only read.
    """
    choices = [one.name for one in ANNOTATION_FORMATS.values() if one.is_written or not written]
    if name not in choices:
        problem = "is only read" if name in ANNOTATION_FORMATS else "is unknown"
        raise CorpusError(f"the format {name!r} {problem}", remedy=f"choose from {', '.join(choices)}")
    return ANNOTATION_FORMATS[name]
