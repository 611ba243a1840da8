"""Documents written in a format, and read from bytes or from files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import spacy
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_lambda.core.annotation import Document
from spacy_lambda.core.request_options import DOC_PARTS
from spacy_lambda.corpus.files import CorpusFile, find_files
from spacy_lambda.corpus.formats.registry import FORMATS, Columns

COLUMNS = Columns()
NLP = spacy.blank("xx")
CHARACTERS = st.characters(exclude_categories=["Cs"])


def write(form: str, lines: Sequence[dict[str, Any]], sources: Sequence[CorpusFile] = ()) -> bytes:
    stream = io.BytesIO()
    parts = [part for part in DOC_PARTS if any(part in line for line in lines)]
    FORMATS[form].open().writer(lambda: iter(lines), sources, COLUMNS, parts)(lambda: iter(lines), stream)
    return stream.getvalue()


def read(form: str, content: bytes, columns: Columns = COLUMNS) -> list[Document]:
    """Read the content of a file named ``file``."""
    return list(FORMATS[form].open().read(io.BytesIO(content), "file", columns))


def plain(document: Document) -> dict[str, Any]:
    assert document.error is None
    return {"id": document.id, **document.others, "text": document.text}


def prediction(doc: Doc) -> dict[str, Any]:
    empty = dict.fromkeys(("lemma", "pos", "tag", "morph", "dep"), "")
    tokens = [
        {"text": token.text, "start": token.idx, "end": token.idx + len(token), **empty, "head": token.i}
        for token in doc
    ]
    return {"ents": [], "sents": [], "tokens": tokens, "cats": {}, "spans": {}}


def read_file(path: Path, content: bytes, columns: Columns = COLUMNS, form: str | None = None) -> list[Document]:
    path.write_bytes(content)
    return documents([path], columns, form)


def documents(paths: Sequence[Path], columns: Columns = COLUMNS, form: str | None = None) -> list[Document]:
    files = find_files([str(path) for path in paths], format_name=form)
    return [document for file in files for document in file.documents(columns)]


def errors(found: Sequence[Document]) -> dict[int, str]:
    return {document.number: document.error["errorMessage"] for document in found if document.error is not None}
