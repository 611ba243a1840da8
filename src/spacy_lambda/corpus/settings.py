"""Settings of a run: begun, resumed, or replaced with its results."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.core.strict_json import read_json
from spacy_lambda.corpus.formats.registry import FORMATS
from spacy_lambda.corpus.layout import Layout
from spacy_lambda.corpus.result_marks import INTERNAL
from spacy_lambda.errors import CorpusError, JsonError

__all__ = [
    "REMEDY",
    "RunSettings",
    "begin_run",
    "check_settings",
    "clear_run",
    "own_files",
    "read_settings",
    "remove_unfinished",
    "run_name",
    "shard_bytes_of",
]

MAX_BYTES = 10_000_000
FORMAT = 1
RUN_DIGITS = 20
"""Digits of a run's name, which is part of the names of executions."""

NAMES = {
    "format": "the format of the settings",
    "pipeline": "the pipeline's digest",
    "include": "--include",
    "labels": "--labels",
    "long_text": "--long-text",
    "text_column": "--text-column",
    "id_column": "--id-column",
    "output": "--to",
}
"""Names of settings for the user."""

REMEDY = "choose another destination, or pass --force to begin again"


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


def read_settings(layout: Layout) -> dict[str, Any] | None:
    """Return the settings of the run at a destination, if there is one.

    :raises CorpusError: If they are damaged.
    """
    content = layout.work.read(layout.run)
    if content is None:
        return None
    try:
        found = read_json(content, name=f"{layout.name}: {layout.run}", max_bytes=MAX_BYTES)
    except JsonError as exc:
        raise CorpusError(exc.message, remedy=REMEDY) from exc
    if not isinstance(found, dict):
        raise CorpusError(f"{layout.name}: {layout.run} is not an object", remedy=REMEDY)
    return found


def shard_bytes_of(settings: Mapping[str, Any] | None) -> int | None:
    """Return the size of shards in the settings of an earlier run, if it is there."""
    size = (settings or {}).get("shard_bytes")
    return size if isinstance(size, int) and size > 0 else None


def run_name(layout: Layout, settings: RunSettings) -> str:
    """Return a name that is the same for the same destination and settings, and for no others."""
    place = layout.name if "://" in layout.name else f"{platform.node()}:{os.path.abspath(layout.name)}"
    content = json.dumps([place, settings.to_dict()], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()[:RUN_DIGITS]


def begin_run(layout: Layout, settings: RunSettings, *, force: bool = False) -> bool:
    """Begin or resume a run.

    :param force: Begin again if the destination has results.
    :returns: ``True`` if there may be shards that are done.
    :raises CorpusError: If the destination has results of other settings.
    """
    wanted = settings.to_dict()
    encoded = json.dumps(wanted, indent=2, ensure_ascii=False).encode() + b"\n"
    found = None if force else read_settings(layout)
    # Of a run that ended before anything was done, the settings do not matter.
    did_nothing = found not in (None, wanted) and not any(layout.work.sizes(layout.records).values())
    if force or did_nothing:
        _clear_results(layout)
    if found is None or did_nothing:
        layout.work.write(layout.run, encoded)
        return False
    check_settings(layout, wanted, found)
    return True


def check_settings(layout: Layout, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Compare the settings of a run with the settings of the results at the destination.

    :raises CorpusError: If they differ.
    """
    before, now = _by_option(found), _by_option(wanted)
    different = [name for name in now if before.get(name) != now[name]]
    if different:
        changes = "; ".join(f"{name} was {_shown(before.get(name))} and is {_shown(now[name])}" for name in different)
        raise CorpusError(f"{layout.name} has results of other settings: {changes}", remedy=REMEDY)


def _by_option(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by the options that set them, or in words."""
    options = settings.get("options")
    values = {**settings, **(options if isinstance(options, dict) else {})}
    return {NAMES.get(key, key): value for key, value in values.items() if key != "options"}


def _shown(value: Any) -> str:
    """Return a setting as on the command line."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "not set" if value is None else str(value)


def clear_run(layout: Layout) -> None:
    """Remove the results, records and settings of a run; other files stay."""
    _clear_results(layout)
    layout.work.remove(layout.run)


def _clear_results(layout: Layout) -> None:
    """Remove the results and records of a run. Its settings, by which its file of errors is known, are replaced."""
    for name in own_files(layout):
        layout.work.remove(name)


def remove_unfinished(layout: Layout) -> None:
    """Remove hidden files that an earlier run was writing when it was killed."""
    layout.work.remove_unfinished(chain(own_files(layout), [layout.errors]), INTERNAL)
    if layout.file is not None:
        layout.final.remove_unfinished([layout.file, layout.errors, layout.completion])


def own_files(layout: Layout) -> Iterator[str]:
    """Yield the names that the files of an earlier run have according to the records of its shards, which are last."""
    try:
        before = str((read_settings(layout) or {}).get("output"))
    except CorpusError:  # the remedy is to begin again
        before = ""
    layouts = [layout, *([replace(layout, format=FORMATS[before])] if before in FORMATS else [])]
    for name in layout.work.sizes(layout.records):
        shard = name.removeprefix(layout.records).removesuffix(".json")
        for one in layouts:
            yield from (one.part(shard), one.shard_errors(shard), one.output(shard))
        yield name
