"""Documents -> shards: the unit of work, of resuming and of the output."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from spacy_lambda.core.annotation import Document, encode_line
from spacy_lambda.core.digest import Digest
from spacy_lambda.corpus.files import CorpusFile
from spacy_lambda.corpus.formats.registry import Columns
from spacy_lambda.corpus.shard_names import shard_names

__all__ = ["SHARD_BYTES", "Shard", "cut_shards", "make_shard", "shard_groups"]

SHARD_BYTES = 200_000
"""Default size of a shard: some hundred abstracts, less than a minute of work for one CPU."""


@dataclass(frozen=True)
class Shard:
    """Consecutive documents of a file, or of the small files of a folder.

    :param name: Its name, made of its file's and its number in it.
    :param lines: Its documents as lines of JSON.
    :param documents: Their number.
    :param sha256: Digest of the lines.
    """

    name: str
    lines: bytes
    documents: int
    sha256: Digest


def cut_shards(
    files: Iterable[CorpusFile],
    columns: Columns,
    *,
    shard_bytes: int = SHARD_BYTES,
    kept: Collection[str] = (),
    on_id: Callable[[str | int], None] = lambda id: None,
) -> Iterator[Shard]:
    """Yield the shards of a corpus: the same ones for the same files.

    Files of one document each share the shards of their folder; any other file has its own.

    :param shard_bytes: Size at which a shard ends.
    :param kept: Names before the numbers of shards that are done.
    :param on_id: Called with the identifier of each document.
    :raises CorpusError: If a file as a whole cannot be read.
    """
    groups = _groups(files)
    names = shard_names(groups, kept=kept)
    for group, members in groups.items():
        documents = (document for file in members for document in file.documents(columns))
        yield from _cut(names[group], documents, shard_bytes, on_id)


def shard_groups(files: Iterable[CorpusFile]) -> list[str]:
    """Return the names that shards of a corpus have before their number."""
    return list(shard_names(_groups(files)).values())


def _groups(files: Iterable[CorpusFile]) -> dict[str, list[CorpusFile]]:
    """Return files by what has its shards to itself, in the order of the first file of each."""
    groups: dict[str, list[CorpusFile]] = {}
    for file in files:
        groups.setdefault(_group(file), []).append(file)
    return groups


def _group(file: CorpusFile) -> str:
    """Return the file's name, or one that files of one document in a folder share."""
    if not file.format.single_document:
        return file.name
    return str(PurePosixPath(file.name).parent / file.format.name)


def _cut(
    group: str, documents: Iterator[Document], shard_bytes: int, on_id: Callable[[str | int], None]
) -> Iterator[Shard]:
    lines, size, number = list[bytes](), 0, 0
    for document in documents:
        on_id(document.id)
        line = encode_line(document.to_dict())
        if lines and size + len(line) > shard_bytes:
            yield _shard(f"{group}-{number:05d}", lines)
            lines, size, number = [], 0, number + 1
        lines.append(line)
        size += len(line)
    if lines:
        yield _shard(f"{group}-{number:05d}", lines)


def make_shard(name: str, documents: Iterable[Document]) -> Shard:
    """Return a shard of these documents."""
    return _shard(name, [encode_line(document.to_dict()) for document in documents])


def _shard(name: str, lines: list[bytes]) -> Shard:
    content = b"".join(lines)
    return Shard(name, content, len(lines), Digest(hashlib.sha256(content).hexdigest()))
