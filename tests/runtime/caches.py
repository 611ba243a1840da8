"""Artifacts and caches that several tests use."""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import spacy
from spacy.language import Language

from spacy_lambda.artifact.pack import Packed, pack
from spacy_lambda.location import Location
from spacy_lambda.runtime.cache.entry import Entry
from spacy_lambda.runtime.cache.fetch import cached_pipeline
from spacy_lambda.runtime.cache.settings import CacheSettings

Usage = namedtuple("Usage", "total used free")


@cache
def blank() -> Language:
    return spacy.blank("en")


def artifact(folder: Path, name: str, size: int = 200_000) -> Location:
    """An artifact of a small pipeline, and its location."""
    nlp = blank()
    nlp.meta["name"] = name
    nlp.to_disk(folder / name)
    (folder / name / "weights").write_bytes(os.urandom(size))
    packed: Packed = pack(folder / name, folder / f"{name}.tar")
    return Location("file", str(packed.path), None, packed.sha256)


def entries(settings: CacheSettings) -> list[str]:
    return sorted(path.name for path in settings.root.iterdir() if not path.name.startswith("."))


def left_over(settings: CacheSettings) -> list[Path]:
    return [path for path in settings.root.rglob("*") if ".fetching" in path.parts and path.name != ".fetching"]


@contextmanager
def opened(location: Location, settings: CacheSettings) -> Iterator[Entry]:
    entry = cached_pipeline(location, settings)
    try:
        yield entry
    finally:
        entry.close()
