"""Records of a run: its settings, and one of each shard that is complete."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from dataclasses import dataclass, replace
from typing import Any, Self

from spacy_lambda.core.annotation import AnnotateOptions, Counts
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.strict_json import read_json
from spacy_lambda.corpus.formats.registry import FORMATS
from spacy_lambda.corpus.layout import Layout
from spacy_lambda.errors import CorpusError, JsonError, SpacyLambdaError

__all__ = [
    "RunSettings",
    "ShardRecord",
    "begin_run",
    "begun_shard_bytes",
    "clear_run",
    "read_records",
    "run_name",
    "write_record",
]

MAX_BYTES = 10_000_000
FORMAT = 1
RESULTS = re.compile(r"-\d{5,}\.[a-z.]+\Z")
"""Names of shards' results."""

RUN_DIGITS = 20
"""Digits of a run's name, which is part of the names of executions."""


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
    """

    name: str
    sha256: Digest
    size: int
    errors_size: int
    counts: Counts
    seconds: float
    billed_ms: int | None = None
    cost: float | None = None

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
            raise CorpusError(f"{name} is invalid: {exc}", remedy="remove it to annotate its shard again") from exc


@dataclass(frozen=True)
class RunSettings:
    """The settings of a run, on which its results depend.

    :param pipeline: The pipeline's digest.
    :param options: Options of annotating.
    :param text_column: The column of the texts.
    :param id_column: The column of the identifiers.
    :param shard_bytes: Size at which a shard ends.
    :param output: The output's format.
    """

    pipeline: str
    options: AnnotateOptions
    text_column: str
    id_column: str
    shard_bytes: int
    output: str

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {"format": FORMAT, **vars(self), "options": self.options.to_dict()}


def begun_shard_bytes(layout: Layout) -> int | None:
    """Return the size of shards in the run at a destination; ``None`` if there is none."""
    size = (_read_run(layout) or {}).get("shard_bytes")
    return size if isinstance(size, int) and size > 0 else None


def _read_run(layout: Layout) -> dict[str, Any] | None:
    """Return the settings of the run at a destination, if there is one.

    :raises CorpusError: If they are damaged.
    """
    present = layout.work.read(layout.run)
    if present is None:
        return None
    remedy = "choose another destination, or pass --force to begin again"
    try:
        found = read_json(present, name=f"{layout.name}: {layout.run}", max_bytes=MAX_BYTES)
    except JsonError as exc:
        raise CorpusError(exc.message, remedy=remedy) from exc
    if not isinstance(found, dict):
        raise CorpusError(f"{layout.name}: {layout.run} is not an object", remedy=remedy)
    return found


def run_name(layout: Layout, settings: RunSettings) -> str:
    """Return a name that is the same for the same destination and settings, and for no others."""
    place = layout.name if "://" in layout.name else f"{platform.node()}:{os.path.abspath(layout.name)}"
    content = json.dumps([place, settings.to_dict()], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()[:RUN_DIGITS]


def begin_run(layout: Layout, settings: RunSettings, *, force: bool = False) -> dict[str, ShardRecord]:
    """Begin or resume a run.

    :param force: Begin again if the destination has results.
    :returns: The shards that are done.
    :raises CorpusError: If the destination has results of other settings.
    """
    if force:
        clear_run(layout)
    wanted = settings.to_dict()
    encoded = json.dumps(wanted, indent=2, ensure_ascii=False).encode() + b"\n"
    found = _read_run(layout)
    if found is None:
        present = None if force else _present(layout)
        if present is not None:
            place = layout.name if present == layout.file else f"{layout.name}: {present}"
            raise CorpusError(
                f"{place} exists, and not in a run that can be resumed",
                remedy="choose another destination, or pass --force to replace it",
            )
        layout.work.write(layout.run, encoded)
        return {}
    different = [key for key in wanted if found.get(key) != wanted[key]]
    if different and not layout.work.sizes(layout.records):  # it ended before anything was done
        layout.work.write(layout.run, encoded)
    elif different:
        changes = "; ".join(f"{key} was {found.get(key)!r} and is {wanted[key]!r}" for key in different)
        raise CorpusError(
            f"{layout.name} has results of other settings: {changes}",
            remedy="choose another destination, or pass --force to begin again",
        )
    return read_records(layout)


def _present(layout: Layout) -> str | None:
    """Return a file at the destination of a new run that the run would replace."""
    if layout.file is not None:
        return next((name for name in (layout.file, layout.errors) if layout.final.has(name)), None)
    names = layout.final.sizes("")
    return next((name for name in sorted(names) if name == layout.errors or RESULTS.search(name)), None)


def clear_run(layout: Layout) -> None:
    """Remove the results, records and settings of a run; other files stay."""
    try:
        before = str((_read_run(layout) or {}).get("output"))
    except CorpusError:  # the remedy is to begin again
        before = ""
    layouts = [layout, *([replace(layout, format=FORMATS[before])] if before in FORMATS else [])]
    for name in layout.work.sizes(layout.records):
        shard = name.removeprefix(layout.records).removesuffix(".json")
        for one in layouts:
            for own in (one.part(shard), one.shard_errors(shard), one.output(shard), name):
                layout.work.remove(own)
    layout.work.remove(layout.run)


def read_records(layout: Layout) -> dict[str, ShardRecord]:
    """Return the shards that are done, by name: those whose results are there, whole."""
    sizes = layout.work.sizes("")
    records = {}
    for name in layout.work.sizes(layout.records):
        data = layout.work.read(name) if name.endswith(".json") else None
        if data is None:
            continue
        record = ShardRecord.from_bytes(data, f"{layout.name}: {name}")
        errors_size = sizes.get(layout.shard_errors(record.name), 0) if record.counts.errors else 0
        if (sizes.get(layout.part(record.name)), errors_size) == (record.size, record.errors_size):
            records[record.name] = record
    return records


def write_record(layout: Layout, record: ShardRecord) -> None:
    """Record that a shard is done; to be called when its results are there."""
    layout.work.write(layout.record(record.name), json.dumps(record.to_dict(), ensure_ascii=False).encode() + b"\n")
