"""A token and its tag in each line: BIO and BILUO TSV, CoNLL 2003 and later, as UBIAI and Label Studio export them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.tagged_columns import TaggedRow, has_tags, tagged_rows
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import TaggedSpan, biluo_tags, bio_tags, check_scheme, parse_tag, spans_of
from spacy_lambda.conversion.token_bounds import token_span
from spacy_lambda.errors import CorpusError

__all__ = ["find", "read", "write"]

SUFFIXES = (".conll", ".conllu", ".conll2003", ".iob", ".iob2", ".bio", ".biluo", ".bilou", ".tsv", ".txt", ".tags")
REPAIRED = "malformed sequences of tags, repaired"

Sentence = list[TaggedRow]


@dataclass(frozen=True)
class _Tokens:
    """The sentences of a document."""

    id: str
    sentences: list[Sentence]
    group: str | None


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    named = [one for one in files if one.suffix in SUFFIXES or len(files) == 1]
    return [one for one in named if has_tags(one)]


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    rows = {file: tagged_rows(file) for file in files}
    scheme = _scheme(rows)
    for file, found in rows.items():
        if file.note:
            reading.account.note(f"files {file.note}", f"{file.name}:1")
        for one in _documents(found, file, reading, is_alone=len(files) == 1):
            yield _annotated(one, file, scheme, reading)


def _scheme(rows: dict[SourceFile, list[TaggedRow]]) -> str:
    """Return the scheme of all files; IOB if ``B-`` only separates a span from one of the same label before it."""
    tags = [(tag[0], f"{file.name}:{row.line}") for file, found in rows.items() for row in found for tag in row.tags]
    name = check_scheme(tags)
    if name != "BIO":
        return name
    separated = True
    for found in rows.values():
        for before, row in pairwise([TaggedRow(0), *found]):
            for level, tag in enumerate(row.tags):
                last = before.tags[level] if before.tags else ""
                separated = separated and not (tag.startswith("B-") and last[2:] != tag[2:])
    return "IOB" if separated else "BIO"


def _documents(
    rows: list[TaggedRow], file: SourceFile, reading: ReadingContext, *, is_alone: bool
) -> Iterator[_Tokens]:
    """Yield documents: by the lines that begin one if these have identifiers or there are several, else sentences."""
    parts = [(part[0].begins, sentences) for part in _parts(rows) if (sentences := _sentences(part))]
    names = [name for name, _ in parts if name is not None]
    unit = reading.options.documents
    if unit == "auto":
        has_sentences = sum(len(sentences) for _, sentences in parts) > 1
        unit = "docstart" if len(names) > 1 or any(names) else "sentence" if has_sentences else "file"
    if unit == "file":
        yield _Tokens(file.stem, [sentence for _, sentences in parts for sentence in sentences], None)
        return
    for number, (name, sentences) in enumerate(parts, start=1):
        own = name or (file.stem if len(parts) == 1 else f"{file.stem}-{number}")
        if unit == "docstart":
            yield _Tokens(own, sentences, None)
            continue
        group = own if len(names) > 1 else None if is_alone else file.stem
        for index, sentence in enumerate(sentences, start=1):
            yield _Tokens(f"{own}-{index}", [sentence], group)


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


def _annotated(tokens: _Tokens, file: SourceFile, scheme: str, reading: ReadingContext) -> AnnotatedDocument:
    """Return a document: its text is its tokens, with a space between."""
    words: list[str] = []
    bounds: list[tuple[int, int]] = []
    begins: list[int] = []
    spans: list[AnnotatedSpan] = []
    position = 0
    for sentence in tokens.sentences:
        filled = [row for row in sentence if row.token and row.token.strip()]
        if len(filled) < len(sentence):
            reading.account.note("tokens without characters, left out", f"{file.name}:{sentence[0].line}")
        begins.append(len(bounds))
        own = []
        for row in filled:
            assert row.token is not None
            word = row.token.strip()
            own.append((position, position + len(word)))
            words.append(word)
            position += len(word) + 1
        bounds += own
        spans += _spans(filled, own, file, scheme, reading)
    return AnnotatedDocument(
        tokens.id,
        " ".join(words),
        tuple(spans),
        file.name,
        tokens.sentences[0][0].line,
        tokens.group,
        tuple(bounds),
        tuple(begins) if len(begins) > 1 else (),
        "characters",
    )


def _spans(
    sentence: Sentence, bounds: Sequence[tuple[int, int]], file: SourceFile, scheme: str, reading: ReadingContext
) -> Iterator[AnnotatedSpan]:
    for level in range(len(sentence[0].tags) if sentence else 0):
        tags = [parse_tag(row.tags[level]) for row in sentence]
        found = spans_of([tag for tag in tags if tag is not None], scheme, _on_malformed(sentence, file, reading))
        for span in found:
            place = (bounds[span.start][0], bounds[span.end - 1][1])
            yield AnnotatedSpan((place,), span.label, sentence[span.start].line)


def _on_malformed(sentence: Sentence, file: SourceFile, reading: ReadingContext) -> Callable[[int, str], None]:
    def on_malformed(index: int, problem: str) -> None:
        place = f"{file.name}:{sentence[index].line}"
        if reading.options.malformed == "refuse":
            raise CorpusError(f"{place}: {problem}", remedy="correct the tag, or pass --malformed repair")
        reading.account.note(REPAIRED, place, detail=problem)

    return on_malformed


def write(documents: Sequence[AnnotatedDocument], path: Path, name: str) -> None:
    make_tags = biluo_tags if name == "biluo" else bio_tags
    middle = ("-X-", "_") if name == "conll" else ()
    words = [document.text[start:end] for document in documents for start, end in document.tokens or ()]
    labels = {span.label for document in documents for span in document.spans}
    has_spaces = any(not _is_one(word) for word in [*words, *labels])
    separator = "\t" if has_spaces or name != "conll" else " "
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            identifier = " ".join(document.id.split())
            file.write(separator.join([f"-DOCSTART- ({identifier})", *middle, "O"]) + "\n\n")
            tokens = document.tokens or ()
            spans = (TaggedSpan(*token_span(tokens, one.start, one.end), one.label) for one in document.spans)
            tags = make_tags(len(tokens), spans)
            for index, ((start, end), tag) in enumerate(zip(tokens, tags, strict=True)):
                if index and index in document.sentences:
                    file.write("\n")
                word = document.text[start:end]
                if word.strip():  # the format has no token of white space
                    file.write(separator.join([" ".join(word.split()), *middle, tag]) + "\n")
            file.write("\n")


def _is_one(word: str) -> bool:
    return len(word.split()) <= 1
