"""A user's texts from files of any supported form, with their annotations if they have some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.compiler.input_paths import check_texts
from spacy_lambda.core.files import files_below, require_regular_file
from spacy_lambda.core.foreign_errors import system_reason
from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.errors import VerifyError
from spacy_lambda.pipeline.spacy_corpus import read_docbin

__all__ = ["read_docs"]


def read_docs(path: Path, nlp: Language) -> list[Doc]:
    """Read texts as Docs; those of a ``.spacy`` corpus carry their annotations.

    :param path: A folder of ``.txt`` files, a ``.txt`` file, a ``.jsonl`` file with a ``text`` in each line, or a
        ``.spacy`` corpus (or a folder of them).
    :param nlp: The pipeline whose tokenizer and vocabulary the Docs get.
    :raises VerifyError: If there is nothing to read, or a line is invalid.
    """
    check_texts(path)
    docs = list(_read(path, nlp))
    if not docs:
        raise VerifyError(
            f"{path} has no texts",
            remedy="name a folder of .txt files, a .jsonl with `text`, or a .spacy corpus",
        )
    return docs


def _read(path: Path, nlp: Language) -> Iterator[Doc]:
    if path.is_dir():
        for file in _files(path):
            if file.suffix.lower() in (".txt", ".spacy"):
                yield from _read(file, nlp)
    elif path.suffix.lower() == ".txt":
        yield _doc(_decode(path), nlp, str(path))
    elif path.suffix.lower() == ".jsonl":
        # Not splitlines(): U+2028 and its like may stand in a JSON string as they are.
        for number, line in enumerate(_decode(path).split("\n"), start=1):
            if line.strip():
                where = f"{path}:{number}"
                yield _doc(_text_of_line(line, where), nlp, where)
    elif path.suffix.lower() == ".spacy":
        yield from read_docbin(_content(path), str(path), nlp.vocab, raises=VerifyError)
    else:
        raise VerifyError(
            f"{path} has the unknown ending {path.suffix!r}",
            remedy="use .txt, .jsonl or .spacy, or a folder of them",
        )


def _files(folder: Path) -> list[Path]:
    try:
        return files_below(folder)
    except OSError as exc:
        raise VerifyError(
            f"{exc.filename} cannot be read: {system_reason(exc)}", remedy="check its permissions"
        ) from exc


def _content(path: Path) -> bytes:
    try:
        require_regular_file(path)
        return path.read_bytes()
    except OSError as exc:
        what = f"{path} cannot be read: {system_reason(exc)}"
        raise VerifyError(what, remedy="name a folder of .txt, a .jsonl or a .spacy file") from exc


def _decode(path: Path) -> str:
    # From bytes: text mode would turn CRLF into LF, and offsets with it. A byte order mark is not part of the text.
    try:
        return _content(path).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise VerifyError(f"{path} is not UTF-8: {exc}", remedy="convert the file to UTF-8") from exc


def _doc(text: str, nlp: Language, where: str) -> Doc:
    if len(text) > nlp.max_length:
        raise VerifyError(
            f"{where} has {len(text):,} characters; the pipeline's limit (nlp.max_length) is {nlp.max_length:,}",
            remedy="split the text, or leave it out",
        )
    return nlp.make_doc(text)


def _text_of_line(line: str, where: str) -> str:
    try:
        text = parse_json(line)["text"]
    except (ValueError, KeyError, TypeError) as exc:
        raise VerifyError(f'{where} is not a JSON object with "text"', remedy="fix or remove the line") from exc
    if not isinstance(text, str):
        raise VerifyError(f'{where}: "text" must be a string', remedy="fix or remove the line")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise VerifyError(
            f'{where}: "text" has half of a character (a surrogate)', remedy="fix or remove the line"
        ) from exc
    return text
