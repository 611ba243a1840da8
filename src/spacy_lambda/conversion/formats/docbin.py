"""spaCy's own files: a DocBin, whose Docs have entities or groups of spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.doc_building import GROUP, ID, bounds_of
from spacy_lambda.conversion.formats.registry import ReadingContext
from spacy_lambda.conversion.source_files import SourceFile
from spacy_lambda.pipeline.spacy_corpus import read_docbin

__all__ = ["find", "read"]

ZLIB = b"\x78"
"""First byte of a DocBin, which is compressed as a whole."""

ENTITIES = "ents"
"""Name of ``doc.ents`` among the places of spans."""

TOKEN_ATTRIBUTES = ("TAG", "POS", "MORPH", "LEMMA", "DEP")


def find(files: Sequence[SourceFile]) -> list[SourceFile]:
    return [one for one in files if one.suffix == ".spacy" and one.content.startswith(ZLIB)]


def read(files: Sequence[SourceFile], reading: ReadingContext) -> Iterator[AnnotatedDocument]:
    for file in files:
        for number, doc in enumerate(read_docbin(file.content, file.name, Vocab()), start=1):
            yield _annotated(doc, file, number, reading)


def _annotated(doc: Doc, file: SourceFile, number: int, reading: ReadingContext) -> AnnotatedDocument:
    """Return a Doc's entities and groups of spans, each span once. A Doc that has neither is not annotated."""
    identifier = doc.user_data.get(ID)
    group = doc.user_data.get(GROUP)
    found: dict[AnnotatedSpan, None] = {}
    wanted = reading.options.spans_from
    for key, spans in [(ENTITIES, doc.ents), *doc.spans.items()]:
        reading.places.update({key: None} if len(spans) else {})
        if wanted in (None, key):
            found.update(dict.fromkeys(_spans(spans, number)))
        elif len(spans):
            reading.account.note(f"spans under {key!r}, not converted", f"{file.name}:{number}", number=len(spans))
    has_entities = doc.has_annotation("ENT_IOB") or not doc.spans
    missing = [(token.idx, token.idx + len(token)) for token in doc if has_entities and not token.ent_iob]
    if missing:
        reading.account.note("tokens without a value in doc.ents", f"{file.name}:{number}", number=len(missing))
    _note_others(doc, f"{file.name}:{number}", reading)
    has_sentences = doc.has_annotation("SENT_START")
    return AnnotatedDocument(
        str(identifier) if isinstance(identifier, str | int) else f"{file.stem}-{number}",
        doc.text,
        tuple(found),
        file.name,
        number,
        group if isinstance(group, str) else None,
        tuple(bounds_of(doc)),
        tuple(sent.start for sent in doc.sents) if has_sentences and len(doc) else (),
        tuple(missing),
        "characters",
        cats=dict(doc.cats),
    )


def _note_others(doc: Doc, place: str, reading: ReadingContext) -> None:
    """Count the annotations that are not converted."""
    layers = ["doc.ents"] * bool(doc.ents) + [f"doc.spans[{key!r}]" for key, group in doc.spans.items() if len(group)]
    if len(layers) > 1 and reading.options.spans_from is None:
        reading.account.note("documents with spans in several places, read as one list", place, detail=_listed(layers))
    values = [key[1] if isinstance(key, tuple) and len(key) > 1 else key for key in doc.user_data]
    if others := [value for value in values if value not in (ID, GROUP)]:
        detail = _listed(dict.fromkeys(map(str, others)))
        reading.account.note("values of doc.user_data, not converted", place, number=len(others), detail=detail)
    if attributes := [name for name in TOKEN_ATTRIBUTES if doc.has_annotation(name)]:
        detail = _listed(attributes)
        reading.account.note("documents with annotated tokens, of which entities are converted", place, detail=detail)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)[:80]


def _spans(spans: Iterable[Span], number: int) -> Iterator[AnnotatedSpan]:
    for span in spans:
        place = (span.start_char, span.end_char)
        yield AnnotatedSpan((place,), span.label_, number, kb_id=span.kb_id_, id=span.id_)
