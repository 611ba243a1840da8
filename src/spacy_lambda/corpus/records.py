"""Records of the shards that are done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from spacy_lambda.core.annotation import Counts
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.strict_json import read_json
from spacy_lambda.corpus.layout import Layout
from spacy_lambda.errors import CorpusError, SpacyLambdaError

__all__ = ["ShardRecord", "begin_record", "read_records", "recorded_groups", "write_record"]

MAX_BYTES = 10_000_000


@dataclass(frozen=True)
class ShardRecord:
    """A shard that is done.

    :param name: Its name.
    :param sha256: Digest of its documents.
    :param size: Bytes of its results.
    :param errors_size: Bytes of its documents with an error.
    :param counts: Its documents in numbers.
    :param seconds: The time that it took.
    :param billed_ms: On Lambda: billed milliseconds.
    :param cost: On Lambda: dollars, by list prices.
    :param results_sha256: Digest of its results.
    :param errors_sha256: Digest of its documents with an error, if there are any.
    """

    name: str
    sha256: Digest
    size: int
    errors_size: int
    counts: Counts
    seconds: float
    billed_ms: int | None = None
    cost: float | None = None
    results_sha256: Digest | None = None
    errors_sha256: Digest | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values."""
        return {**vars(self), "counts": self.counts.to_dict()}

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Self:
        """Read a record.

        :raises CorpusError: If it is not one.
        """
        try:
            values = read_json(data, name=name, max_bytes=MAX_BYTES)
            digest = parse_digest(values["sha256"], name=name)
            counts = Counts.from_dict(values["counts"])
            numbers = [*(value for key, value in vars(counts).items() if key != "entities"), *counts.entities.values()]
            is_valid = all(type(number) is int and number >= 0 for number in numbers)
            if not is_valid or not isinstance(values["counts"]["entities"], dict):
                raise TypeError("a count is not a number of documents, words or entities")
            return cls(**{**values, "sha256": digest, "counts": counts})
        except (SpacyLambdaError, TypeError, ValueError, KeyError, AttributeError) as exc:
            reason = exc.message if isinstance(exc, SpacyLambdaError) else f"{name} is invalid: {exc}"
            raise CorpusError(reason, remedy="remove it to annotate its shard again") from exc


def read_records(layout: Layout) -> dict[str, ShardRecord]:
    """Return the shards that are done, by name: those whose results are there, as they were written."""
    sizes = layout.work.sizes("")
    records = {}
    for name in sorted(layout.work.sizes(layout.records)):
        data = layout.work.read(name) if name.endswith(".json") else None
        if not data:
            continue
        record = ShardRecord.from_bytes(data, f"{layout.name}: {name}")
        if _is_whole(layout, record, sizes):
            records[record.name] = record
    return records


def recorded_groups(layout: Layout) -> set[str]:
    """Return the names that recorded shards, done or begun, have before their number."""
    records = layout.work.sizes(layout.records)
    return {name.removeprefix(layout.records).rpartition("-")[0] for name in records}


def _is_whole(layout: Layout, record: ShardRecord, sizes: Mapping[str, int]) -> bool:
    files = [(layout.part(record.name), record.size, record.results_sha256)]
    if record.counts.errors:
        files.append((layout.shard_errors(record.name), record.errors_size, record.errors_sha256))
    if any(sizes.get(name) != size for name, size, _ in files):
        return False
    return all(sha256 is None or layout.work.digest(name) in (None, sha256) for name, _, sha256 in files)


def begin_record(layout: Layout, shard: str) -> None:
    """Record that a shard's files are about to be written, so that they are found though the process is killed."""
    layout.work.write(layout.record(shard), b"")


def write_record(layout: Layout, record: ShardRecord) -> None:
    """Record that a shard is done; to be called when its results are there."""
    layout.work.write(layout.record(record.name), json.dumps(record.to_dict(), ensure_ascii=False).encode() + b"\n")
