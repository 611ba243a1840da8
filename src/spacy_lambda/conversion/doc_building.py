"""Annotated documents <-> spaCy Docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import get_words_and_spaces
from spacy.vocab import Vocab

from spacy_lambda.conversion.annotated_document import AnnotatedDocument, AnnotatedSpan
from spacy_lambda.conversion.token_bounds import token_span
from spacy_lambda.core.pipelines import find_pipeline
from spacy_lambda.errors import CorpusError, first_line
from spacy_lambda.pipeline.config_file import read_config

__all__ = ["ID", "bounds_of", "entities_doc", "make_tokenizer", "spans_doc", "tokenized"]

ID, GROUP = "id", "group"
"""Keys of ``doc.user_data``."""


def make_tokenizer(lang: str, base: str | Path | None) -> Language:
    """Return the pipeline whose tokenizer is used: a blank one, or the base without its components.

    :raises CorpusError: If there is no such language, or the base has a tokenizer that cannot be loaded.
    :raises PipelineNotFoundError: If there is no such base.
    """
    if base is None:
        try:
            return spacy.blank(lang)
        except ImportError as exc:
            raise CorpusError(
                f"spaCy cannot make a tokenizer of {lang!r}: {first_line(exc)}",
                remedy="choose another --lang, such as xx for any language, or install what it needs",
            ) from exc
    folder = find_pipeline(base)
    components = read_config(folder)["nlp"].get("pipeline", [])
    try:
        return spacy.load(folder, exclude=components)
    except Exception as exc:  # code of the tokenizer, too
        raise CorpusError(
            f"the tokenizer of {str(base)!r} cannot be loaded: {first_line(exc)}",
            remedy="install what the pipeline needs, or pass --lang in place of --base",
        ) from exc


def tokenized(document: AnnotatedDocument, nlp: Language, *, retokenize: bool) -> Doc:
    """Return a document's Doc, without annotations: of its own tokens if it has some.

    :raises CorpusError: If the text is too long.
    """
    if len(document.text) > nlp.max_length:
        raise CorpusError(
            f"{document.place()}: the text has {len(document.text):,} characters; spaCy's limit is {nlp.max_length:,}",
            remedy="split the document",
        )
    if document.tokens is None or retokenize:
        doc = nlp.make_doc(document.text)
    else:
        doc = _of_tokens(document, nlp.vocab)
    doc.user_data[ID] = document.id
    if document.group is not None:
        doc.user_data[GROUP] = document.group
    return doc


def _of_tokens(document: AnnotatedDocument, vocab: Vocab) -> Doc:
    assert document.tokens is not None
    try:
        words, spaces = get_words_and_spaces(
            [document.text[start:end] for start, end in document.tokens], document.text
        )
    except ValueError as exc:
        raise CorpusError(
            f"{document.place()}: the tokens leave out parts of the text", remedy="pass --retokenize"
        ) from exc
    doc = Doc(vocab, words=words, spaces=spaces)
    starts = {document.tokens[index][0] for index in document.sentences}
    if starts:
        for token in doc:
            token.is_sent_start = token.idx in starts or token.i == 0
    return doc


def bounds_of(doc: Doc) -> list[tuple[int, int]]:
    """Return the first character of each token, and the one after its last."""
    return [(token.idx, token.idx + len(token)) for token in doc]


def entities_doc(doc: Doc, document: AnnotatedDocument) -> Doc:
    """Set a Doc's entities; tokens that may be annotated or not have no value.

    :param document: A document whose spans fit its tokens and do not overlap.
    """
    bounds = bounds_of(doc)
    entities = [_span(doc, bounds, span) for span in document.spans]
    taken = {token.i for entity in entities for token in entity}
    missing = [
        index for index in _indexes(token_span(bounds, *place) for place in document.missing) if index not in taken
    ]
    doc.set_ents(entities, missing=[doc[index : index + 1] for index in missing], default="outside")
    doc.cats = dict(document.cats)
    return doc


def _indexes(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Yield the indexes in some of the ranges, each once."""
    reached = 0
    for first, last in sorted(ranges):
        yield from range(max(first, reached), last)
        reached = max(reached, last)


def spans_doc(doc: Doc, document: AnnotatedDocument, key: str) -> Doc:
    """Set a Doc's group of spans, which may overlap.

    :param document: A document whose spans fit its tokens.
    """
    bounds = bounds_of(doc)
    doc.spans[key] = [_span(doc, bounds, span) for span in document.spans]
    doc.cats = dict(document.cats)
    return doc


def _span(doc: Doc, bounds: list[tuple[int, int]], span: AnnotatedSpan) -> Span:
    first, last = token_span(bounds, span.start, span.end)
    return Span(doc, first, last, label=span.label, kb_id=span.kb_id, span_id=span.id)
