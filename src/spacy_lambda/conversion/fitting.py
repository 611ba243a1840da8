"""Annotated documents -> documents that a format can hold; what it cannot is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.conversion.doc_building import bounds_of, entities_doc, spans_doc, tokenized
from spacy_lambda.conversion.formats.brat import UNSAFE
from spacy_lambda.conversion.formats.column_lines import begins_document
from spacy_lambda.conversion.formats.registry import AnnotationFormat
from spacy_lambda.conversion.formats.table_rows import is_null
from spacy_lambda.conversion.policies import ConversionOptions, Overlaps
from spacy_lambda.conversion.span_checks import one_fragment
from spacy_lambda.conversion.span_overlaps import without_overlaps
from spacy_lambda.conversion.token_bounds import fitted

__all__ = ["FittedDocument", "Fitting"]

WITHOUT_NUL = ("brat", "span_table", "tagged_tokens", "token_table", "webanno")
"""Modules of formats whose files are not read with NUL characters."""

MARK = "\ufeff"
"""A byte order mark, which is not read as a part of the text where a file or a line begins with it."""


@dataclass(frozen=True)
class FittedDocument:
    """A document as a format holds it.

    :param document: The document.
    :param doc: Its Doc, with annotations, if the format is spaCy's.
    """

    document: AnnotatedDocument
    doc: Doc | None


@dataclass(frozen=True)
class Fitting:
    """The way in which documents are fitted.

    :param target: The format.
    :param options: The options of the conversion.
    :param nlp: The pipeline with the tokenizer.
    :param account: The account.
    """

    target: AnnotationFormat
    options: ConversionOptions
    nlp: Language
    account: Account

    def fit(self, document: AnnotatedDocument) -> FittedDocument | None:
        """Return a document as the format holds it, and count its entities; ``None`` if the format cannot hold it."""
        if (reason := self._reason(document)) is not None:
            self.account.leave_out(document, reason)
            return None
        doc = None
        if not self.target.has_fragments:
            document = one_fragment(document, self.account, self.options.discontinuous)
        if self.target.has_tokens:
            doc = tokenized(document, self.nlp, retokenize=self.options.retokenize)
            bounds = bounds_of(doc)
            document = fitted(document, bounds, self.account, self.options.misaligned)
            document = self._with_tokens(document, bounds)
            if len(document.sentences) > 1 and not self.target.has_sentences:
                self._cannot_hold("documents with sentences", document)
        else:
            self._note_tokens(document)
        if self.target.name == "csv":
            document = self._without_null_labels(document)
        policy = self.options.overlaps or ("spans" if self.target.keeps_overlaps else "longest")
        document = without_overlaps(document, self.account, policy)
        self.account.keep(document)
        self._note_values(document, policy)
        if document.group is not None and not self.target.has_groups:
            self._cannot_hold("documents with a group", document)
        self._note_characters(document)
        if self.target.name != "spacy" or doc is None:
            return FittedDocument(document, None)
        key = self.options.spans_key
        built = spans_doc(doc, document, key) if policy == "spans" else entities_doc(doc, document)
        return FittedDocument(document, built)

    def _note_characters(self, document: AnnotatedDocument) -> None:
        """Count characters of labels and tokens that are written as others, or are not read again."""
        if self.target.module == "tagged_tokens" and any(_has_breaks(span.label) for span in document.spans):
            self._cannot_hold("documents with tabs or line breaks in labels, written as a space", document)
        if self.target.module == "tagged_tokens":
            number = sum(begins_document(document.text[start:end].lstrip(MARK)) for start, end in document.tokens or ())
            if number:
                message = "tokens -DOCSTART-, written with a backslash before them"
                self.account.note(message, document.place(), number=number)
        if self._begins_with_mark(document):
            self._cannot_hold("documents with a byte order mark at the beginning of a text or token", document)
        if self.target.name == "brat" and any(UNSAFE.search(span.label) for span in document.spans):
            self._cannot_hold(
                "documents with other characters than letters, digits and - in labels, written as _", document
            )

    def _reason(self, document: AnnotatedDocument) -> str | None:
        """Return the reason why the format cannot hold a document's text."""
        if "\0" in document.text and self.target.module in WITHOUT_NUL:
            return f"a text with a NUL character, which {self.target.name} cannot hold"
        if self.target.name == "csv" and not document.spans and is_null(document.text):
            return "a text that tables take for an empty cell, which csv cannot hold"
        return None

    def _without_null_labels(self, document: AnnotatedDocument) -> AnnotatedDocument:
        dropped = [span for span in document.spans if is_null(span.label)]
        for span in dropped:
            self.account.drop("a label that tables take for an empty cell, which csv cannot hold", document, span)
        return document.without(dropped, kept=[span for span in document.spans if not is_null(span.label)])

    def _begins_with_mark(self, document: AnnotatedDocument) -> bool:
        """Return whether a file or a line would begin with a byte order mark."""
        if self.target.module == "tagged_tokens":
            return any(document.text.startswith(MARK, start) for start, _ in document.tokens or ())
        return self.target.name == "brat" and document.text.startswith(MARK)

    def _with_tokens(self, document: AnnotatedDocument, bounds: Sequence[tuple[int, int]]) -> AnnotatedDocument:
        own = document.tokens is not None and not self.options.retokenize
        joined = " ".join(document.text[start:end] for start, end in bounds)
        if not self.target.has_text and joined != document.text:
            self._cannot_hold("texts whose tokens are not all separated by one space", document)
        if not own and len(document.sentences) > 1:
            self.account.note("documents with sentences, which new tokens do not have", document.place())
        return replace(document, tokens=tuple(bounds), sentences=document.sentences if own else ())

    def _note_tokens(self, document: AnnotatedDocument) -> None:
        if document.tokens is None:
            return
        is_long = len(document.text) > self.nlp.max_length
        if is_long or tuple(bounds_of(self.nlp.make_doc(document.text))) != document.tokens:
            self._cannot_hold("documents with other tokens than the tokenizer's", document)

    def _note_values(self, document: AnnotatedDocument, policy: Overlaps) -> None:
        """Count what is annotated besides the bounds and labels of spans, and has no place."""
        identified = sum(bool(span.kb_id or span.id) for span in document.spans)
        if identified and not self.target.has_ids:
            self._cannot_hold("entities with a kb_id or an id", document, number=identified)
        if document.cats and not self.target.has_cats:
            self._cannot_hold("documents with categories", document)
        if document.missing and not (self.target.name == "spacy" and policy != "spans"):
            self._cannot_hold("documents with parts that are not annotated", document)

    def _cannot_hold(self, what: str, document: AnnotatedDocument, *, number: int = 1) -> None:
        place = "doc.spans" if self.target.name == "spacy" else self.target.name
        self.account.note(f"{what}, which {place} cannot hold", document.place(), number=number)


def _has_breaks(label: str) -> bool:
    return any(character in label for character in "\t\r\n")
