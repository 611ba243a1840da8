"""Artifacts on the Hugging Face Hub, over plain HTTP: the function has no ``huggingface_hub``.

A repository holds a pipeline's files one by one, as visitors expect, and the artifact's manifest in its folder
``spacy-lambda/``. An artifact consists of its manifest and its files, so its bytes are reassembled during the download.

Endpoints: ``GET /OWNER/NAME/resolve/REVISION/PATH``, as in https://huggingface.co/docs/hub/models-downloading.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from spacy_lambda.core.artifact.manifest import MAX_MANIFEST_BYTES, FileEntry, Manifest, parse_manifest
from spacy_lambda.core.artifact.safe_paths import unsafe_name
from spacy_lambda.core.artifact.tar import artifact_size, chunks
from spacy_lambda.core.artifact.unpack import MAX_ARTIFACT_BYTES
from spacy_lambda.core.digest import Digest, parse_digest
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.found_artifact import FoundArtifact
from spacy_lambda.core.source.redirects import strict_opener
from spacy_lambda.core.streams import ChunkStream
from spacy_lambda.core.strict_json import check_fields, read_json
from spacy_lambda.errors import DigestError, JsonError, NotStoredError, StoreError

__all__ = ["CARD", "HUB_FOLDER", "MAX_SMALL_BYTES", "HubRecord", "Repository", "find_on_hub", "parse_record"]

DEFAULT_ENDPOINT = "https://huggingface.co"
DEFAULT_REVISION = "main"
HUB_FOLDER = "spacy-lambda"
"""The folder of a repository that holds the manifest and its record."""

CARD = "README.md"
CHUNK = 1 << 20
TRIES = 5
TIMEOUT_S = 8
AT_ONCE = 8
SMALL = 1 << 20
"""Bytes below which a file is prefetched, several at a time: most of a pipeline's files are small."""

PREFETCHED = 64 * SMALL
"""Maximum bytes of all prefetched files, which wait in memory."""

MAX_RECORD_BYTES = 4096
MAX_SMALL_BYTES = MAX_MANIFEST_BYTES
RECORD_FIELDS = {"sha256": str, "size": int, "folder": str}
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class HubRecord:
    """The artifact that a repository holds: ``spacy-lambda/artifact.json``.

    :param sha256: The artifact's digest.
    :param size: The artifact's bytes.
    :param folder: The folder of its files in the repository; empty for the root.
    """

    sha256: Digest
    size: int
    folder: str = ""

    def to_bytes(self) -> bytes:
        """Return the stored form."""
        return json.dumps(asdict(self), indent=2, sort_keys=True).encode("ascii") + b"\n"

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
        wrong = _wrong(record)
    except (JsonError, DigestError) as exc:
        raise _broken(name, exc.message) from exc
    if wrong is not None:
        raise _broken(name, wrong)
    return record


def _wrong(record: HubRecord) -> str | None:
    if not 0 < record.size <= MAX_ARTIFACT_BYTES:
        return f"a size of {record.size:,} bytes is invalid"
    why = unsafe_name(record.folder) if record.folder else None
    return None if why is None else f"the folder {record.folder[:100]!a} {why}"


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
    manifest = parse_manifest(repository.read(f"{HUB_FOLDER}/manifest.json"))
    size = artifact_size(manifest)
    if record.size != size:
        raise _broken(
            str(location), f"its size is {record.size:,} bytes, but by its manifest the artifact has {size:,}"
        )

    @contextmanager
    def open_files() -> Iterator[ChunkStream]:
        with ThreadPoolExecutor(AT_ONCE, "hub") as pool:
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
        if entry.size < min(SMALL, left):
            left -= entry.size
            yield entry


class Repository:
    """One revision of a repository.

    :param token: By default ``HF_TOKEN``.
    :param sleep: Waits before a retry, for a number of seconds.
    """

    def __init__(
        self, location: Location, *, token: str | None = None, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._location = location
        self._revision = location.ref or DEFAULT_REVISION
        self._token = os.environ.get("HF_TOKEN", "") if token is None else token
        self._opener = strict_opener()
        self._sleep = sleep

    def read(self, path: str) -> bytes:
        """Return a small file.

        :raises NotStoredError: If it is missing.
        :raises StoreError: If the Hub cannot be reached or denies access, or the file is too large.
        """
        try:
            with self._open(path, 0) as response:
                commit = response.headers.get("X-Repo-Commit") or ""
                self._revision = commit if COMMIT.fullmatch(commit) else self._revision
                data: bytes = response.read(MAX_SMALL_BYTES + 1)
        except BROKEN as exc:
            raise self._unreachable(path, exc) from exc
        if len(data) > MAX_SMALL_BYTES:
            raise StoreError(
                f"{self._location}: {path} has more than {MAX_SMALL_BYTES:,} bytes", remedy="push the pipeline again"
            )
        return data

    def chunks(self, path: str, size: int) -> Iterator[bytes]:
        """Yield a file; after a broken connection, the next one resumes there."""
        done, broken = 0, 0
        while done < size:
            try:
                with self._open(path, done) as response:
                    while chunk := response.read(min(CHUNK, size - done)):
                        done += len(chunk)
                        yield chunk
                if done < size:
                    raise http.client.IncompleteRead(b"", size - done)
            except BROKEN as exc:
                broken += 1
                if broken == TRIES:
                    raise self._unreachable(path, exc) from exc
                self._sleep(0.1 * broken)

    def _open(self, path: str, start: int) -> http.client.HTTPResponse:
        request = self._request(path, start)
        for left in reversed(range(TRIES)):
            try:
                response: http.client.HTTPResponse = self._opener.open(request, timeout=TIMEOUT_S)
            except urllib.error.HTTPError as exc:
                exc.close()
                if left == 0 or exc.code not in (429, 500, 502, 503, 504):
                    raise self._refused(path, exc) from exc
                self._sleep(0.3 * (TRIES - left))
            except (OSError, ValueError) as exc:  # ValueError: a redirect to an invalid URL
                raise self._unreachable(path, exc) from exc
            else:
                if start and response.status != http.HTTPStatus.PARTIAL_CONTENT:
                    _skip(response, start)
                return response
        raise AssertionError("the last try returns or raises")

    def _request(self, path: str, start: int) -> urllib.request.Request:
        try:
            request = urllib.request.Request(self._url(path), headers={"User-Agent": "spacy-lambda"})
        except ValueError as exc:
            raise self._unreachable(path, exc) from exc
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        if start:
            request.add_header("Range", f"bytes={start}-")
        return request

    def _url(self, path: str) -> str:
        endpoint = os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
        revision = urllib.parse.quote(self._revision, safe="")
        return f"{endpoint}/{self._location.path}/resolve/{revision}/{urllib.parse.quote(path)}"

    def _refused(self, path: str, error: urllib.error.HTTPError) -> StoreError:
        place = self._location.at(self._revision)
        if error.code in (401, 403):
            return StoreError(
                f"{place}: access is denied ({error.code})",
                remedy="set HF_TOKEN to a token that may read it, or check the name: the Hub reports both alike",
            )
        if error.code == 404:
            return NotStoredError(
                f"{place} has no {path}", remedy=f"push it with `spacy-lambda push hub {self._location.path} PIPELINE`"
            )
        return StoreError(f"{place}: the Hub responded with {error.code} {error.reason}", remedy="try again later")

    def _unreachable(self, path: str, error: Exception) -> StoreError:
        return StoreError(
            f"{self._url(path)} cannot be reached: {error}", remedy="check the network, and HF_ENDPOINT where it is set"
        )


def _skip(response: http.client.HTTPResponse, size: int) -> None:
    """Skip bytes that were read before."""
    while size and (chunk := response.read(min(CHUNK, size))):
        size -= len(chunk)
