"""spaCy's own files: a DocBin, which is read and written as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any, BinaryIO

from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_lambda.client.docs import doc_of
from spacy_lambda.core.annotation import Document
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.corpus.formats.documents import escaped, make_document
from spacy_lambda.corpus.formats.registry import Columns, Lines, Source, Write
from spacy_lambda.errors import CorpusError, InvokeError
from spacy_lambda.pipeline.spacy_corpus import read_docbin

__all__ = ["read", "writer"]

EXTENSION = "._."
LARGEST = 2**63
"""Whole numbers that a DocBin's user data hold are smaller; others are strings in it."""


def read(stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
    for number, doc in enumerate(read_docbin(stream.read(), file, Vocab()), start=1):
        yield make_document({columns.text: doc.text, **_carried(doc, columns.text)}, file, number, columns)


def _carried(doc: Doc, text_key: str) -> dict[str, Any]:
    """Return the Doc's user data and extension attributes, and annotations that it has.

    If two have one name, the attribute becomes ``_.NAME``, and the user data becomes ``user_data.NAME`` if the
    other is annotations'.
    """
    parts = _annotations(doc)
    taken = {text_key, *parts, *(key for key in doc.user_data if isinstance(key, str))}
    carried: dict[str, Any] = {}
    for key, value in doc.user_data.items():
        if isinstance(key, str) and key != text_key:
            carried[_free(key, "user_data.", taken) if key in parts else key] = _plain(value)
        elif isinstance(key, tuple) and len(key) == 4 and key[0] == EXTENSION and key[2:] == (None, None):
            carried[_free(key[1], "_.", taken)] = _plain(value)
    return carried | parts


def _annotations(doc: Doc) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if doc.ents:
        parts["ents"] = _spans(doc.ents)
    if doc.cats:
        parts["cats"] = _plain(doc.cats)
    if doc.spans:
        parts["spans"] = {key: _spans(group) for key, group in doc.spans.items()}
    return parts


def _free(name: str, prefix: str, taken: set[str]) -> str:
    """Return a name with as many prefixes as it takes to be different, and take it."""
    while name in taken:
        name = prefix + name
    taken.add(name)
    return name


def _spans(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [{"text": span.text, "label": span.label_, "start": span.start_char, "end": span.end_char} for span in spans]


def _plain(value: Any) -> Any:
    """Return a value of user data as JSON holds it."""
    if hasattr(value, "tolist"):  # numpy's
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return value.isoformat() if isinstance(value, date | time) else str(value)


def writer(every: Lines, sources: Sequence[Source], columns: Columns, parts: Sequence[str]) -> Write:
    return _write


def _write(lines: Lines, stream: BinaryIO) -> None:
    vocab, docs = Vocab(), DocBin(store_user_data=True)
    for line in lines():
        docs.add(_doc(line, vocab))
    stream.write(docs.to_bytes())


def _doc(line: Mapping[str, Any], vocab: Vocab) -> Doc:
    cats = {escaped(key): score for key, score in line["cats"].items() if score is not None}
    spans = {escaped(key): group for key, group in line["spans"].items()}
    try:
        doc = doc_of(line["text"], {**line, "cats": cats, "spans": spans}, vocab)
    except InvokeError as exc:
        raise CorpusError(
            f"the document {line['id']!r} cannot be a Doc: {exc.message}", remedy="choose another format: --to jsonl"
        ) from exc
    own = {escaped(key): _storable(value) for key, value in line.items() if key not in ("text", *DOC_PARTS)}
    doc.user_data.update(own)
    return doc


def _storable(value: Any) -> Any:
    """Return a value as msgpack holds it: numbers of 64 bits, strings without lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {escaped(key): _storable(one) for key, one in value.items()}
    return str(value) if isinstance(value, int) and not -LARGEST <= value < LARGEST else value
