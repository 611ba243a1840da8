"""Artifacts on the Hugging Face Hub, over plain HTTP: the function has no ``huggingface_hub``.

A repository holds a pipeline's files one by one, as visitors expect, and the artifact's manifest in its folder
``spacy-lambda/``. An artifact consists of its manifest and its files, so its bytes are reassembled during the download.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from spacy_lambda.core.artifact.extract import MAX_ARTIFACT_BYTES
from spacy_lambda.core.artifact.manifest import MANIFEST, FileEntry, Manifest, parse_manifest
from spacy_lambda.core.artifact.safe_paths import name_problem
from spacy_lambda.core.artifact.tar import artifact_size, chunks
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.core.source.hub_repository import Repository
from spacy_lambda.core.source.layout import Record
from spacy_lambda.core.streams import ChunkStream
from spacy_lambda.core.strict_json import check_fields, read_json
from spacy_lambda.errors import DigestError, JsonError, StoreError

__all__ = ["CARD", "HUB_FOLDER", "HubRecord", "find_on_hub", "parse_record"]

HUB_FOLDER = "spacy-lambda"
"""The folder of a repository that holds the manifest and its record."""

CARD = "README.md"
PREFETCH_THREADS = 8
PREFETCH_MAX_BYTES = 1 << 20
"""Bytes below which a file is prefetched, several at a time: most of a pipeline's files are small."""

PREFETCHED = 64 * PREFETCH_MAX_BYTES
"""Maximum bytes of all prefetched files, which wait in memory."""

MAX_RECORD_BYTES = 4096
RECORD_FIELDS = {"sha256": str, "size": int, "folder": str}


@dataclass(frozen=True)
class HubRecord(Record):
    """The artifact that a repository holds: ``spacy-lambda/artifact.json``.

    :param sha256: The artifact's digest.
    :param size: The artifact's bytes.
    :param folder: The folder of its files in the repository; empty for the root.
    """

    sha256: Digest
    size: int
    folder: str = ""

    def path_of(self, path: str) -> str:
        """Return a file's path in the repository, where ``README.md`` at the root is the model card."""
        if self.folder:
            return f"{self.folder}/{path}"
        return f"{HUB_FOLDER}/{path}" if path == CARD else path


def parse_record(data: bytes, *, name: str) -> HubRecord:
    """Parse a record.

    :raises StoreError: If it is invalid.
    """
    try:
        content = check_fields(read_json(data, name="it", max_bytes=MAX_RECORD_BYTES), RECORD_FIELDS, name="it")
        record = HubRecord(parse_digest(content["sha256"], name="its sha256"), content["size"], content["folder"])
        problem = _record_problem(record)
    except (JsonError, DigestError) as exc:
        raise _broken(name, exc.message) from exc
    if problem is not None:
        raise _broken(name, problem)
    return record


def _record_problem(record: HubRecord) -> str | None:
    if not 0 < record.size <= MAX_ARTIFACT_BYTES:
        return f"a size of {record.size:,} bytes is invalid"
    problem = name_problem(record.folder) if record.folder else None
    return None if problem is None else f"the folder {record.folder[:100]!a} {problem}"


def _broken(name: str, why: str) -> StoreError:
    return StoreError(f"{name} has an invalid {HUB_FOLDER}/artifact.json: {why}", remedy="push the pipeline again")


def find_on_hub(
    location: Location, *, token: str | None = None, sleep: Callable[[float], object] = time.sleep
) -> FoundArtifact:
    """Find the artifact of a repository; its revision is pinned to the current commit.

    :param token: By default ``HF_TOKEN``.
    :param sleep: Waits before a retry, for a number of seconds.
    :raises NotStoredError: If there is no such repository or revision, or no artifact in it.
    :raises StoreError: If the Hub cannot be reached or denies access, or the record does not match the manifest.
    """
    repository = Repository(location, token=token, sleep=sleep)
    record = parse_record(repository.read(f"{HUB_FOLDER}/artifact.json"), name=str(location))
    manifest = parse_manifest(repository.read(f"{HUB_FOLDER}/{MANIFEST}"))
    size = artifact_size(manifest)
    if record.size != size:
        raise _broken(
            str(location), f"its size is {record.size:,} bytes, but by its manifest the artifact has {size:,}"
        )

    @contextmanager
    def open_files() -> Iterator[ChunkStream]:
        with ThreadPoolExecutor(PREFETCH_THREADS, "hub") as pool:
            small: dict[str, Future[list[bytes]]] = {
                entry.path: pool.submit(list, repository.chunks(record.path_of(entry.path), entry.size))
                for entry in _prefetched(manifest)
            }

            def contents(entry: FileEntry) -> Iterable[bytes]:
                fetched = small.pop(entry.path, None)
                return (
                    repository.chunks(record.path_of(entry.path), entry.size) if fetched is None else fetched.result()
                )

            try:
                yield ChunkStream(chunks(manifest, contents))
            finally:
                pool.shutdown(cancel_futures=True)

    return FoundArtifact(str(location), location.sha256 or record.sha256, size, open_files)


def _prefetched(manifest: Manifest) -> Iterator[FileEntry]:
    left = PREFETCHED
    for entry in manifest.files:
        if entry.size < min(PREFETCH_MAX_BYTES, left):
            left -= entry.size
            yield entry
