"""Tokens with tags -> annotated documents, whose text is the tokens with a space between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.formats.tagged_columns import TaggedRow
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.conversion.tag_schemes import Tag, check_scheme, parse_tag, spans_of
from spacy_lambda.errors import CorpusError

__all__ = ["Sentence", "TokenDocument", "annotated_tokens", "scheme_of"]

REPAIRED = "malformed sequences of tags, repaired"

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


def annotated_tokens(
    tokens: TokenDocument, file: SourceFile, scheme: str, reading: ReadingContext
) -> AnnotatedDocument:
    """Return a document: its text is its tokens, with a space between."""
    words: list[str] = []
    bounds: list[tuple[int, int]] = []
    begins: list[int] = []
    spans: list[AnnotatedSpan] = []
    position = 0
    for sentence in tokens.sentences:
        filled = [row for row in sentence if row.token and row.token.strip()]
        if len(filled) < len(sentence):
            place = f"{file.name}:{sentence[0].line}"
            reading.account.note("tokens without characters, left out", place, number=len(sentence) - len(filled))
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
        unit="characters",
        other_groups=tokens.other_groups,
    )


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
