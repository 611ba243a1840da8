"""Corpora in spaCy's own format: one ``.spacy`` file, or those of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_lambda.core.files import files_below, is_hidden, require_regular_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.errors import CorpusError, SpacyLambdaError

__all__ = ["corpus_files", "hidden_files", "read_corpus_docs", "read_docbin"]

ENDING = ".spacy"


def corpus_files(path: Path) -> list[Path]:
    """Return the ``.spacy`` files of a corpus: the file, or those of a folder that are not hidden.

    Their content is not read, so that other formats are refused before a pipeline is loaded.

    :raises CorpusError: If there are none, or one is a pipe or a device.
    """
    if not path.exists():
        raise CorpusError(f"{path} does not exist", remedy=f"check the path: a {ENDING} file, or a folder of them")
    try:
        files = files_below(path) if path.is_dir() else [path]
        named = [file for file in files if file.suffix.lower() == ENDING]
        found = [file for file in named if not path.is_dir() or not is_hidden(file, path)]
        for file in found:
            require_regular_file(file)
    except OSError as exc:
        what = f"{exc.filename or path} cannot be read: {system_reason(exc)}"
        raise CorpusError(what, remedy="check its permissions, and that it is a file") from exc
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


def read_corpus_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read the documents of a corpus, in order.

    :param path: A ``.spacy`` file, or a folder of them.
    :raises CorpusError: If there is no such file, or one cannot be read.
    """
    for file in corpus_files(path):
        try:
            content = file.read_bytes()
        except OSError as exc:
            what = f"{file} cannot be read: {system_reason(exc)}"
            raise CorpusError(what, remedy="check its permissions") from exc
        yield from read_docbin(content, str(file), vocab)


def read_docbin(
    content: bytes, name: str, vocab: Vocab, *, raises: type[SpacyLambdaError] = CorpusError
) -> Iterator[Doc]:
    """Read the documents of a ``.spacy`` file.

    :param name: Of the file, for the message.
    :raises CorpusError: If it is not such a file; ``raises``, if given.
    """
    try:
        yield from DocBin().from_bytes(content).get_docs(vocab)
    except Exception as exc:  # spaCy, zlib, numpy and msgpack raise anything for invalid bytes
        raise raises(
            f"{name} cannot be read as a DocBin: {system_reason(exc)[:300]}",
            remedy="write it again: spacy-lambda convert SRC OUT.spacy, or DocBin.to_disk",
        ) from exc
