"""The table of formats, and the functions of a format's module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.policies import ConversionOptions
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["ANNOTATION_FORMATS", "AnnotationFormat", "AnnotationModule", "ReadingContext", "named_annotation_format"]

MAX_SHOWN = 20
"""Names that an error lists."""


@dataclass(frozen=True)
class ReadingContext:
    """Arguments of a reader besides the files, and the choices that it finds.

    :param options: The options of the conversion.
    :param account: The account, for observations.
    :param annotators: Annotators that were found, each with all the names by which the user may choose it.
    :param places: Places of spans that were found, of which the user may choose one.
    :param texts: Keys of texts that were found, of which the user may choose one.
    :param untyped: Files whose tags have no type.
    :param numbered: Files whose tags are numbers.
    """

    options: ConversionOptions
    account: Account
    annotators: dict[str, set[str]] = field(default_factory=dict)
    places: dict[str, None] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)
    untyped: list[str] = field(default_factory=list)
    numbered: set[str] = field(default_factory=set)

    def check_choices(self) -> None:
        """Refuse an annotator, a place of spans, a key of texts, or options for tags that the source lacks.

        :raises CorpusError: If it has no such one, with those that it has.
        """
        annotator, place, text = self.options.annotator, self.options.spans_from, self.options.text_from
        if annotator is not None and not any(annotator in names for names in self.annotators.values()):
            raise _unknown("annotator", annotator, [*self.annotators], "--annotator")
        if place is not None and place not in self.places:
            raise _unknown("place of spans", place, [*self.places], "--spans-from")
        if text is not None and text not in self.texts:
            raise _unknown("key of texts", text, [*self.texts], "--text-from")
        if self.options.label is not None and not self.untyped:
            raise CorpusError(
                f"--label {self.options.label} is not used: no file has tags without a type, such as B and I",
                remedy="leave --label out; --rename-label OLD=NEW renames a label",
            )
        if self.options.tag_names and not self.numbered:
            raise CorpusError("--tag-names is not used: no file has numbers as tags", remedy="leave --tag-names out")


def _unknown(what: str, name: str, found: Sequence[str], option: str) -> CorpusError:
    shown = ", ".join(sorted(found)[:MAX_SHOWN]) + (
        "" if len(found) <= MAX_SHOWN else f" and {len(found) - MAX_SHOWN} more"
    )
    return CorpusError(
        f"the source has no {what} {name!r}; " + (f"it has {shown}" if found else "its format names none"),
        remedy=f"choose one of them with {option}" if found else f"leave {option} out",
    )


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
        """Write documents to a new file, or to files in a new folder. The module of spaCy's format writes Docs instead.

        :param name: The format's name, for a module that has several formats.
        """
        ...


@dataclass(frozen=True)
class AnnotationFormat:
    """A format of annotations.

    :param name: Its name in ``--format`` and ``--to``.
    :param module: Its module in this package.
    :param suffix: The suffix of a file that is written; empty for a folder.
    :param has_text: ``False`` if a text is its tokens with a space between.
    :param has_tokens: ``True`` if its spans are spans of tokens.
    :param keeps_overlaps: ``True`` if overlapping spans are kept by default.
    :param has_fragments: ``True`` if spans may be discontinuous.
    :param has_ids: ``True`` if spans may have a ``kb_id`` and an identifier.
    :param has_cats: ``True`` if documents may have categories.
    :param has_groups: ``True`` if documents may have a group.
    :param has_sentences: ``True`` if a document's tokens may have sentences.
    """

    name: str
    module: str
    suffix: str
    has_text: bool = True
    has_tokens: bool = False
    keeps_overlaps: bool = True
    has_fragments: bool = False
    has_ids: bool = False
    has_cats: bool = False
    has_groups: bool = True
    has_sentences: bool = True

    @property
    def can_keep_overlaps(self) -> bool:
        """True if ``--overlaps spans`` is accepted: spaCy's format keeps overlaps, although not as entities."""
        return self.keeps_overlaps or self.name == "spacy"

    def open(self) -> AnnotationModule:
        """Import the module."""
        return cast(AnnotationModule, import_module(f"spacy_lambda.conversion.formats.{self.module}"))


ANNOTATION_FORMATS = {
    one.name: one
    for one in (
        AnnotationFormat(
            "spacy", "docbin", ".spacy", has_tokens=True, keeps_overlaps=False, has_ids=True, has_cats=True
        ),
        AnnotationFormat(
            "parquet", "parquet", ".parquet", has_tokens=True, keeps_overlaps=False, has_text=False, has_sentences=False
        ),
        AnnotationFormat("brat", "brat", "", has_fragments=True, has_groups=False),
        AnnotationFormat("webanno", "webanno", "", has_tokens=True, has_groups=False),
        AnnotationFormat("csv", "span_table", ".csv", has_ids=True),
        AnnotationFormat("csv-tokens", "token_table", ".csv", has_tokens=True, keeps_overlaps=False, has_text=False),
        AnnotationFormat("conll", "tagged_tokens", ".conll", has_tokens=True, keeps_overlaps=False, has_text=False),
        AnnotationFormat("bio", "tagged_tokens", ".tsv", has_tokens=True, keeps_overlaps=False, has_text=False),
        AnnotationFormat("biluo", "tagged_tokens", ".tsv", has_tokens=True, keeps_overlaps=False, has_text=False),
        AnnotationFormat(
            "jsonl-tokens",
            "token_lines",
            ".jsonl",
            has_tokens=True,
            keeps_overlaps=False,
            has_text=False,
            has_sentences=False,
        ),
        AnnotationFormat("label-studio", "label_studio", ".json"),
        AnnotationFormat("ubiai", "ubiai", ".json"),
        AnnotationFormat("prodigy", "prodigy", ".jsonl", has_tokens=True, has_ids=True, has_sentences=False),
        AnnotationFormat("doccano", "doccano", ".jsonl"),
        AnnotationFormat("jsonl", "span_lines", ".jsonl", has_ids=True, has_cats=True),
    )
}
"""The formats by name, in the order in which they are tried."""


def named_annotation_format(name: str) -> AnnotationFormat:
    """Return a format by its name.

    :raises CorpusError: If it is unknown.
    """
    if name not in ANNOTATION_FORMATS:
        raise CorpusError(f"unknown format {name!r}", remedy=f"choose from {', '.join(ANNOTATION_FORMATS)}")
    return ANNOTATION_FORMATS[name]
