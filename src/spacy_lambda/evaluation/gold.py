"""Annotated documents of a ``.spacy`` corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_lambda.core.files import check_file, files_below, is_hidden
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.errors import CorpusError

__all__ = ["ENDING", "GoldCorpus", "corpus_files", "hidden_files", "read_gold"]

ENDING = ".spacy"


@dataclass(frozen=True)
class GoldCorpus:
    """Annotated documents.

    :param docs: Those that have tokens.
    :param numbers: Their numbers in the corpus, from 0.
    :param documents: Number of all documents, with those that have no tokens.
    """

    docs: tuple[Doc, ...]
    numbers: tuple[int, ...]
    documents: int


def corpus_files(path: Path) -> list[Path]:
    """Return the ``.spacy`` files of a corpus: the file, or those of a folder that are not hidden.

    Nothing is read, so that other formats are refused before a pipeline is loaded.

    :raises CorpusError: If there are none.
    """
    if not path.exists():
        raise CorpusError(f"{path} does not exist", remedy=f"check the path: a {ENDING} file, or a folder of them")
    try:
        files = files_below(path) if path.is_dir() else [path]
    except OSError as exc:
        raise CorpusError(f"{path} cannot be read: {system_reason(exc)}", remedy="check its permissions") from exc
    named = [file for file in files if file.suffix.lower() == ENDING]
    found = [file for file in named if not path.is_dir() or not is_hidden(file, path)]
    if not found:
        kind = "file that is not hidden" if named else "file"
        what = f"the folder {path} has no {ENDING} {kind}" if path.is_dir() else f"{path} is not a {ENDING} file"
        converted = quote(str(path.with_suffix(ENDING)))
        raise CorpusError(what, remedy=f"convert it: spacy-lambda convert {quote(str(path))} {converted}")
    return found


def hidden_files(path: Path) -> int:
    """Return the number of hidden ``.spacy`` files in the folder of a corpus, which are not read."""
    files = files_below(path) if path.is_dir() else []
    return sum(file.suffix.lower() == ENDING and is_hidden(file, path) for file in files)


def read_gold(path: Path, vocab: Vocab) -> GoldCorpus:
    """Return the documents of a corpus, in order.

    :param path: A ``.spacy`` file, or a folder of them.
    :raises CorpusError: If a file cannot be read, or no document has tokens.
    """
    docs = [doc for file in corpus_files(path) for doc in _docs(file, vocab)]
    numbers = tuple(number for number, doc in enumerate(docs) if len(doc))
    if not numbers:
        what = "no document with a text" if docs else "no documents"
        raise CorpusError(f"{path} has {what}", remedy="write it again: spacy-lambda convert SRC OUT.spacy")
    return GoldCorpus(tuple(docs[number] for number in numbers), numbers, len(docs))


def _docs(file: Path, vocab: Vocab) -> Iterator[Doc]:
    try:
        check_file(file)
        yield from DocBin().from_disk(file).get_docs(vocab)
    except Exception as exc:  # zlib, msgpack and ValueError alike
        raise CorpusError(
            f"{file} cannot be read as a DocBin: {system_reason(exc)}",
            remedy="write it again: spacy-lambda convert SRC OUT.spacy, or DocBin.to_disk",
        ) from exc
