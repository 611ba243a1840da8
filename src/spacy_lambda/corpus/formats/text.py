"""Plain text: a file is a document."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from spacy_lambda.core.annotation import Document
from spacy_lambda.corpus.formats.documents import CONVERT, invalid_document
from spacy_lambda.corpus.formats.numbered_lines import MAX_BYTES, check_start
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.errors import CorpusError

__all__ = ["read"]


def read(stream: BinaryIO, file: str, columns: Columns) -> Iterator[Document]:
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        yield invalid_document(file, 1, f"the file has more than {MAX_BYTES:,} bytes, the limit", "split it")
        return
    try:
        check_start(content, file)
        yield Document(file, content.removeprefix(codecs.BOM_UTF8).decode(), file, 1)
    except CorpusError as exc:
        yield invalid_document(file, 1, exc.message, exc.remedy)
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        problem = f"byte {exc.start + 1:,}, in line {line:,}, is not UTF-8"
        yield invalid_document(file, 1, problem, CONVERT)
