"""Texts that a source has several times, whose annotations may contradict each other."""

from __future__ import annotations

from spacy_lambda.conversion.accounting import Account
from spacy_lambda.conversion.annotated_document import AnnotatedDocument

__all__ = ["RepeatedTexts"]


class RepeatedTexts:
    """The texts of a source while it is read.

    :param account: The account, for observations.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._seen: dict[str, AnnotatedDocument] = {}

    def add(self, document: AnnotatedDocument) -> None:
        """Count a document whose text another one has, by the place of both."""
        first = self._seen.setdefault(document.text, document)
        if first is not document:
            which = "the same" if set(first.spans) == set(document.spans) else "other"
            message = f"texts annotated again, with {which} entities"
            self._account.note(message, document.place(), detail=f"first in {first.place()}")
