"""WebAnno TSV 3, as INCEpTION and WebAnno export it: a token in each line, with its spans in the columns of layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from spacy_lambda.conversion.annotated_document import ANOTHER, AnnotatedDocument
from spacy_lambda.conversion.formats.document_files import document_path
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.webanno_document import webanno_document
from spacy_lambda.conversion.formats.webanno_values import FORMAT, is_version_2
from spacy_lambda.conversion.formats.webanno_writing import webanno_lines
from spacy_lambda.conversion.source_files import SourceFile

__all__ = ["find", "read", "write"]

FOLDERS = ("annotation", "curation")
"""Folders of an exported project: a folder for each document, with a file for each annotator or the curated one."""

SNIFFED = 100_000
"""Bytes by which the version is recognized."""

INITIAL = "INITIAL_CAS"
"""The file of a document before its annotation."""


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    named = [one for one in files if one.suffix in (".tsv", ".tsv3") or len(files) == 1]
    return [one for one in named if _is_webanno(one.content[:SNIFFED].lstrip(b"\xef\xbb\xbf"))]


def _is_webanno(begin: bytes) -> bool:
    return begin.startswith(FORMAT.encode()) or is_version_2(begin)


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    """Yield the documents. Of several annotators' files, the named one's is taken, the curated one, or the first."""
    chosen: dict[str, SourceFile] = {}
    annotated = [one for one in files if PurePosixPath(one.stem).name != INITIAL]
    wanted = reading.options.annotator
    for file in sorted(annotated, key=lambda one: _rank(one, wanted)):
        chosen.setdefault(_document_name(file), file)
    reading.annotators.update((name, {name}) for name in filter(None, map(_annotator, annotated)))
    for file in chosen.values():
        if wanted is not None and _annotator(file) != wanted:
            reading.account.note("documents without the named annotator's file, taken from another", f"{file.name}:1")
    for file in annotated:
        name = _document_name(file)
        document = replace(webanno_document(file, reading), id=name)
        yield document if chosen[name] is file else replace(document, left_out=ANOTHER)


def _annotator(file: SourceFile) -> str | None:
    """Return the annotator of a file in the export of a project."""
    path = PurePosixPath(file.stem)
    return path.name if path.parent.parent.name in FOLDERS else None


def _document_name(file: SourceFile) -> str:
    """Return the document's name: its folder's in the export of a project, else its file's."""
    path = PurePosixPath(file.stem)
    return path.parent.name if path.parent.parent.name in FOLDERS else str(path)


def _rank(file: SourceFile, annotator: str | None) -> tuple[bool, bool]:
    path = PurePosixPath(file.stem)
    return annotator is not None and path.name != annotator, path.parent.parent.name != "curation"


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    path.mkdir(exist_ok=True)
    taken = set[str]()
    for document in documents:
        lines = webanno_lines(document)
        document_path(path, document.id, ".tsv", taken).write_bytes("".join(f"{line}\n" for line in lines).encode())
