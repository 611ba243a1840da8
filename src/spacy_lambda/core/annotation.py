"""Annotating a corpus: documents, options and counts, the same in a process, a function and a cluster.

A shard is a number of documents as lines of JSON, and so is its result. Both have one form wherever they are made, so
that the result of a shard is the same, byte by byte.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from spacy_lambda.core.request_options import DOC_PARTS, LONG_TEXT, LongText
from spacy_lambda.errors import CorpusError

__all__ = [
    "ANNOTATED_KEYS",
    "AnnotateOptions",
    "Counts",
    "Document",
    "carried_name",
    "cut_batches",
    "document_lines",
    "encode_line",
    "read_documents",
]

BATCH_DOCUMENTS = 64
BATCH_SIZE = 16_000
"""A batch ends with whichever it reaches first: documents, or bytes of their lines or characters of their texts.

Half a second of work or so: at the end of a corpus, a worker waits at most that long for another one.
"""

T = TypeVar("T")

ANNOTATED_KEYS = ("id", "text", *DOC_PARTS)
"""Keys that an annotated document sets; one of the input that has such a name is carried as ``input_NAME``."""


@dataclass(frozen=True, kw_only=True)
class AnnotateOptions:
    """Options of annotating.

    :param include: Parts of a Doc, as in a request.
    :param labels: Labels of the entities and spans to keep, or ``None`` for all.
    :param long_text: Treatment of texts over the limit.
    """

    include: tuple[str, ...] = ("ents",)
    labels: tuple[str, ...] | None = None
    long_text: LongText = "refuse"

    @classmethod
    def of(cls, include: Iterable[str], labels: Iterable[str] | None, long_text: LongText) -> Self:
        """Return the options that a user gives.

        :raises CorpusError: If one is invalid.
        """
        for name, value in (("include", include), ("labels", labels)):
            if isinstance(value, str):
                raise CorpusError(f"{name} is the string {value!r}, not a list of strings", remedy=f"give [{value!r}]")
        parts = tuple(dict.fromkeys(include))
        unknown = [part for part in parts if part not in DOC_PARTS]
        if unknown or not parts:
            given = f"include has {', '.join(map(repr, unknown))}" if unknown else "include is empty"
            raise CorpusError(given, remedy=f"choose from {', '.join(DOC_PARTS)}")
        if labels is not None and not (labels := tuple(labels)):
            raise CorpusError("labels is empty", remedy="name labels, or leave it out to keep all")
        if long_text not in LONG_TEXT:
            raise CorpusError(f"long_text is {long_text!r}", remedy=f"choose from {', '.join(LONG_TEXT)}")
        return cls(include=parts, labels=None if labels is None else tuple(labels), long_text=long_text)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain values."""
        labels = None if self.labels is None else list(self.labels)
        return {"include": list(self.include), "labels": labels, "long_text": self.long_text}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the options that :meth:`to_dict` returned as plain values."""
        labels = values["labels"]
        return cls(
            include=tuple(values["include"]),
            labels=None if labels is None else tuple(labels),
            long_text=values["long_text"],
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a corpus.

    :param id: Its identifier in the corpus, else its file and number.
    :param text: Its text; of another type if the input has something else in its place, which is the document's error.
    :param file: The file that it is from, as the user named it.
    :param number: Its line, row or record in the file, from 1.
    :param others: All else that the input has for it, in its order.
    :param error: Reason why it cannot be read: ``errorType``, ``errorMessage``, ``remedy``.
    """

    id: str | int
    text: Any
    file: str
    number: int
    others: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain values."""
        values = {"id": self.id, "text": self.text, "file": self.file, "number": self.number}
        return {**values, "others": dict(self.others), "error": self.error}


@dataclass
class Counts:
    """The sums over annotated documents.

    :param documents: Documents, with or without an error.
    :param words: Tokens of documents without an error, as spaCy counts words.
    :param characters: Characters of documents without an error.
    :param entities: Their entities by label.
    :param empty: Documents that are not blank and have no entity.
    :param truncated: Documents of which the encoder did not see all.
    :param errors: Documents with an error.
    """

    documents: int = 0
    words: int = 0
    characters: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    truncated: int = 0
    errors: int = 0

    def add(self, other: Counts) -> None:
        """Add other counts to these."""
        self.documents += other.documents
        self.words += other.words
        self.characters += other.characters
        self.entities.update(other.entities)
        self.empty += other.empty
        self.truncated += other.truncated
        self.errors += other.errors

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values, labels in alphabetical order."""
        return {**vars(self), "entities": dict(sorted(self.entities.items()))}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the counts that :meth:`to_dict` returned as plain values."""
        return cls(**{**values, "entities": Counter(values["entities"])})


def carried_name(name: str, names: Collection[str], taken: Collection[str]) -> str:
    """Return the name under which a column or key of the input is carried along.

    :param names: All names of the input.
    :param taken: Names that annotations have.
    """
    found = name
    while found in taken or (found != name and found in names):
        found = f"input_{found}"
    return found


def encode_line(value: Any) -> bytes:
    """Return a line of JSON in UTF-8; a lone surrogate becomes its escape, and a number that JSON lacks null."""
    try:
        line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        line = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    return line.encode("utf-8", "backslashreplace") + b"\n"


def _finite(value: Any) -> Any:
    """Return a value with ``None`` in place of NaN and infinite numbers."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return {key: _finite(one) for key, one in value.items()} if isinstance(value, dict) else value


def cut_batches(documents: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Yield documents in batches, which are annotated together: the same ones wherever they are annotated.

    :param documents: Documents in any form.
    :param size: Returns the size of one.
    """
    batch, total = list[T](), 0
    for document in documents:
        batch.append(document)
        total += size(document)
        if len(batch) == BATCH_DOCUMENTS or total >= BATCH_SIZE:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def document_lines(documents: Iterable[Document]) -> Iterator[bytes]:
    """Yield the lines of a shard."""
    return (encode_line(document.to_dict()) for document in documents)


def read_documents(lines: Iterable[bytes]) -> Iterator[Document]:
    """Yield the documents of a shard's lines."""
    return (Document(**json.loads(line)) for line in lines)
