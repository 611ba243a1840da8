"""Tokens with tags -> annotated documents, whose text is the tokens with a space between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.tagged_rows import Sentence, TaggedRow, TokenDocument, documents_of_rows
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import OUTSIDE, Tag, TaggedSpan, bio_tags, check_scheme, parse_tag, spans_of
from spacy_lambda.conversion.token_bounds import token_span
from spacy_lambda.errors import CorpusError

__all__ = ["annotated_rows", "annotated_tokens", "scheme_of", "written_tokens"]

REPAIRED = "malformed sequences of tags, repaired"


def scheme_of(rows: Sequence[tuple[SourceFile, list[TaggedRow]]]) -> str:
    """Return the scheme of all files; IOB if ``B-`` only separates a span from one of the same label before it."""
    tags = [(tag[0], f"{file.name}:{row.line}") for file, found in rows for row in found for tag in row.tags]
    name = check_scheme(tags)
    if name != "BIO":
        return name
    separated = True
    for _, found in rows:
        for before, row in pairwise([TaggedRow(0), *found]):
            for level, tag in enumerate(row.tags):
                last = before.tags[level] if before.tags else ""
                separated = separated and not (tag.startswith("B-") and last[2:] != tag[2:])
    return "IOB" if separated else "BIO"


def annotated_rows(rows: Mapping[SourceFile, list[TaggedRow]], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    """Yield the documents of files of rows, which have one scheme."""
    scheme = scheme_of([*rows.items()])
    for file, found in rows.items():
        if file.note:
            reading.account.note(f"files {file.note}", f"{file.name}:1")
        for one in documents_of_rows(found, file, reading, is_alone=len(rows) == 1):
            yield annotated_tokens(one, file, scheme, reading)


def annotated_tokens(
    tokens: TokenDocument, file: SourceFile, scheme: str, reading: ReadingContext
) -> AnnotatedDocument:
    """Return a document: its text is its tokens, with a space between.

    :raises CorpusError: If a token without characters has a tag of an entity, or a tag is invalid.
    """
    words: list[str] = []
    bounds: list[tuple[int, int]] = []
    begins: list[int] = []
    spans: list[AnnotatedSpan] = []
    position = 0
    for sentence in tokens.sentences:
        filled = [row for row in sentence if row.token and row.token.strip()]
        for index, row in enumerate(sentence if len(filled) < len(sentence) else ()):
            if row.token is None or not row.token.strip():
                _note_empty(row, index, f"{file.name}:{row.line}", reading)
        begins += [len(bounds)] if filled else []
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
        unit="characters",
        other_groups=tokens.other_groups,
    )


def _note_empty(row: TaggedRow, index: int, place: str, reading: ReadingContext) -> None:
    tag = next((tag for tag in row.tags if tag != OUTSIDE), None)
    if tag is not None:
        raise CorpusError(
            f"{place}: token {index} has the tag {tag} and no characters: {row.token!r}",
            remedy="correct or remove the token",
        )
    reading.account.note("tokens without characters, left out", place)


def written_tokens(document: AnnotatedDocument) -> Iterator[tuple[int, str, str]]:
    """Yield index, token and BIO tag of each token that is not white space, which these formats cannot hold."""
    bounds = document.tokens or ()
    spans = [TaggedSpan(*token_span(bounds, one.start, one.end), one.label) for one in document.spans]
    for index, ((start, end), tag) in enumerate(zip(bounds, bio_tags(len(bounds), spans), strict=True)):
        if document.text[start:end].strip():
            yield index, document.text[start:end], tag


def _spans(
    sentence: Sentence, bounds: Sequence[tuple[int, int]], file: SourceFile, scheme: str, reading: ReadingContext
) -> Iterator[AnnotatedSpan]:
    for level in range(len(sentence[0].tags) if sentence else 0):
        tags = [_tag(row.tags[level], f"{file.name}:{row.line}") for row in sentence]
        found = spans_of(tags, scheme, _on_malformed(sentence, file, reading))
        for span in found:
            place = (bounds[span.start][0], bounds[span.end - 1][1])
            yield AnnotatedSpan((place,), span.label, sentence[span.start].line)


def _tag(text: str, place: str) -> Tag:
    tag = parse_tag(text)
    if tag is None:
        raise CorpusError(
            f"{place}: {text[:80]!r} is not a tag, such as O, B-LABEL or I-LABEL",
            remedy="correct the names of the tags",
        )
    return tag


def _on_malformed(sentence: Sentence, file: SourceFile, reading: ReadingContext) -> Callable[[int, str], None]:
    def on_malformed(index: int, problem: str) -> None:
        place = f"{file.name}:{sentence[index].line}"
        if reading.options.malformed == "refuse":
            raise CorpusError(f"{place}: {problem}", remedy="correct the tag, or pass --malformed repair")
        reading.account.note(REPAIRED, place, detail=problem)

    return on_malformed
