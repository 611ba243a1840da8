"""brat's standoff: a ``.txt`` file with the text beside an ``.ann`` file with its spans."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.document_files import document_path
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.offset_units import parsed_offset
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.errors import CorpusError

__all__ = ["find", "read", "write"]

SPAN = re.compile(r"T\S*\t(?P<label>.+?)[ ](?P<offsets>\d+[ ]\d+(?:;\d+[ ]\d+)*)(?:\t(?P<text>.*))?")
UNSAFE = re.compile(r"[^\w-]")
"""Characters that a label of brat cannot have."""

OTHERS = {
    "R": "relations",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "N": "normalizations",
    "#": "notes",
    "*": "relations",
}


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    if len(files) == 1 and files[0].suffix in (".ann", ".txt"):
        beside = [files[0].path.with_suffix(suffix) for suffix in (".txt", ".ann")]
        if all(path.is_file() for path in beside):
            name = files[0].name[: -len(files[0].suffix)]
            return [SourceFile(path, name + path.suffix, files[0].encoding, files[0].stem) for path in beside]
    return (
        [one for one in files if one.suffix in (".ann", ".txt")] if any(one.suffix == ".ann" for one in files) else []
    )


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    texts = {one.path.with_suffix(""): one for one in files if one.suffix == ".txt"}
    annotated = {one.path.with_suffix(""): one for one in files if one.suffix == ".ann"}
    for path, text in texts.items():
        if path not in annotated:
            reading.account.note("texts without an .ann file, left out", f"{text.name}:1")
    for path, spans in annotated.items():
        if path not in texts:
            raise CorpusError(
                f"{spans.name}: the text is missing: {path.with_suffix('.txt').name}",
                remedy="put the .txt file beside it, or remove it",
            )
        yield _document(texts[path], spans, reading)


def _document(source: SourceFile, annotations: SourceFile, reading: ReadingContext) -> AnnotatedDocument:
    spans = tuple(_spans(annotations, source.text, reading)) if annotations.content.strip() else ()
    for file in (source, annotations):
        if file.note:
            reading.account.note(f"files {file.note}", f"{file.name}:1")
    return AnnotatedDocument(source.stem, source.text, spans, annotations.name)


def _spans(annotations: SourceFile, text: str, reading: ReadingContext) -> Iterator[AnnotatedSpan]:
    for number, line in annotations.lines():
        if not line.strip():
            continue
        if not line.startswith("T"):
            _note_other(line, f"{annotations.name}:{number}", reading)
            continue
        found = SPAN.fullmatch(line)
        if found is None:
            raise CorpusError(
                f"{annotations.name}:{number}: {line[:100]!r} is not a span of brat",
                remedy="write it as ID, tab, label, start and end with spaces between, tab, text",
            )
        place = f"{annotations.name}:{number}"
        bounds = (one.split(" ") for one in found["offsets"].split(";"))
        fragments = tuple((parsed_offset(start, place), parsed_offset(end, place)) for start, end in bounds)
        covered = found["text"]
        if covered and covered not in text:  # a comment may follow after a tab
            covered = covered.partition("\t")[0]
        yield AnnotatedSpan(fragments, found["label"], number, covered)


def _note_other(line: str, place: str, reading: ReadingContext) -> None:
    if line[0] not in OTHERS:
        raise CorpusError(
            f"{place}: {line[:100]!r} is not an annotation of brat",
            remedy="correct the line, or name the format with --format",
        )
    reading.account.note(f"{OTHERS[line[0]]} of brat, not converted", place)


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    taken = set[str]()
    labels = _names_of_labels({span.label for document in documents for span in document.spans})
    for document in documents:
        target = document_path(path, document.id, ".txt", taken)
        target.write_bytes(document.text.encode())
        lines = [
            _line(document, number, span, labels[span.label]) for number, span in enumerate(document.spans, start=1)
        ]
        target.with_suffix(".ann").write_bytes("".join(lines).encode())


def _names_of_labels(labels: set[str]) -> dict[str, str]:
    """Return a name that brat accepts for each label, and no two with the same."""
    names: dict[str, str] = {}
    for label in sorted(labels, key=lambda one: (UNSAFE.search(one) is not None, one)):
        base = "_".join(UNSAFE.sub(" ", label).split()) or "_"
        name, number = base, 1
        while name in names.values():
            number += 1
            name = f"{base}_{number}"
        names[label] = name
    return names


def _line(document: AnnotatedDocument, number: int, span: AnnotatedSpan, label: str) -> str:
    fragments = list(_without_line_breaks(document.text, span))
    offsets = ";".join(f"{start} {end}" for start, end in fragments)
    text = " ".join(document.text[start:end] for start, end in fragments)
    return f"T{number}\t{label} {offsets}\t{text}\n"


def _without_line_breaks(text: str, span: AnnotatedSpan) -> Iterator[tuple[int, int]]:
    """Yield a span's fragments, split where a line ends, as brat does."""
    for start, end in span.fragments:
        for found in re.finditer(r"[^\r\n\t]+", text[start:end]):
            yield start + found.start(), start + found.end()
