"""Shards' results -> the output."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO, cast

from spacy_lambda.core.strict_json import parse_json
from spacy_lambda.corpus.formats.registry import Columns, Source, Write, is_gzip
from spacy_lambda.corpus.layout import Layout
from spacy_lambda.corpus.records import ShardRecord
from spacy_lambda.errors import CorpusError, shorten

__all__ = ["finish"]

NUMBER = re.compile(r"0x[0-9a-f]+|\d[\d,.]*\d|\d")
REASON_LENGTH = 200
MAX_REASONS = 1_000
OTHERS = "other reasons"
"""The reason of errors beyond the first different ones: they are held in memory, and in the record of one file."""


def finish(
    layout: Layout,
    records: Sequence[ShardRecord],
    sources: Sequence[Source],
    columns: Columns,
    parts: Sequence[str],
) -> tuple[str | None, Counter[str]]:
    """Make the output of all shards, in the order of the corpus.

    :param sources: The files of the corpus.
    :param columns: Their columns.
    :param parts: The parts of a Doc that are requested.
    :returns: The name of the file with the documents that have an error, if there are any; how many have each error, by
        the message of the first; messages that differ in numbers only are one error, and so are those beyond a
        thousand.
    """
    if layout.converts:
        write = layout.format.open().writer(lambda: _lines(layout, records), sources, columns, parts)
        files = {layout.output(one.name): [one] for one in records} if layout.file is None else {layout.file: records}
        for name, own in files.items():
            _write(layout, name, own, write)
    return _write_errors(layout, [record for record in records if record.counts.errors])


def _write(layout: Layout, name: str, records: Sequence[ShardRecord], write: Write) -> None:
    with layout.final.writing(name) as file, ExitStack() as stack:
        stream = stack.enter_context(packed(file)) if is_gzip(name) else file
        write(lambda: _lines(layout, records), stream)


def packed(file: BinaryIO) -> BinaryIO:
    """Return a gzip file to write to, without a date: the same content gives the same bytes."""
    return cast(BinaryIO, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0))


def _write_errors(layout: Layout, failed: Sequence[ShardRecord]) -> tuple[str | None, Counter[str]]:
    """Write the file of errors, or remove it, and count its errors by their messages."""
    if not failed:
        layout.final.remove(layout.errors)
        return None, Counter()
    examples, numbers = dict[str, str](), Counter[str]()
    with layout.final.writing(layout.errors) as file:
        for record in failed:
            content = _content(layout, layout.shard_errors(record.name))
            file.write(content)
            for line in content.splitlines():
                message = str(parse_json(line)["error"]["errorMessage"])
                reason = NUMBER.sub("N", message)
                if reason not in examples and len(examples) < MAX_REASONS:
                    examples[reason] = shorten(message, REASON_LENGTH)
                numbers[examples.get(reason, OTHERS)] += 1
    return layout.errors, numbers


def _lines(layout: Layout, records: Sequence[ShardRecord]) -> Iterator[dict[str, Any]]:
    for record in records:
        yield from map(parse_json, _content(layout, layout.part(record.name)).splitlines())


def _content(layout: Layout, name: str) -> bytes:
    content = layout.work.read(name)
    if content is None:
        raise CorpusError(f"{layout.name}: {name} has disappeared", remedy="run the command again")
    return content
