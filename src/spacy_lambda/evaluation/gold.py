"""Annotated documents of a ``.spacy`` corpus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_lambda.errors import CorpusError
from spacy_lambda.pipeline.spacy_corpus import read_corpus_docs

__all__ = ["GoldCorpus", "read_gold"]


@dataclass(frozen=True)
class GoldCorpus:
    """Annotated documents.

    :param docs: Docs that have tokens.
    :param numbers: Their numbers in the corpus, from 0.
    :param documents: Number of all documents, with those that have no tokens.
    """

    docs: tuple[Doc, ...]
    numbers: tuple[int, ...]
    documents: int


def read_gold(path: Path, vocab: Vocab) -> GoldCorpus:
    """Return the documents of a corpus, in order.

    :param path: A ``.spacy`` file, or a folder of them.
    :raises CorpusError: If a file cannot be read, or no document has tokens.
    """
    docs = list(read_corpus_docs(path, vocab))
    numbers = tuple(number for number, doc in enumerate(docs) if len(doc))
    if not numbers:
        what = "no document with a text" if docs else "no documents"
        raise CorpusError(f"{path} has {what}", remedy="write it again: spacy-lambda convert SRC OUT.spacy")
    return GoldCorpus(tuple(docs[number] for number in numbers), numbers, len(docs))
