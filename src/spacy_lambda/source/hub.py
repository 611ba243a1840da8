"""Artifacts on the Hugging Face Hub, over plain HTTP: the function has no ``huggingface_hub``.

A repository holds a pipeline's files one by one, as everyone who visits it expects, and in its folder
``spacy-lambda/`` the artifact's manifest. An artifact is made of nothing but its manifest and its files, so its bytes
are put together again while they are fetched.

Endpoints: ``GET /OWNER/NAME/resolve/REVISION/PATH``, as in https://huggingface.co/docs/hub/models-downloading.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO

from ..artifact.form import FileEntry, artifact_size, chunks, parse_manifest
from ..errors import NotStoredError, StoreError
from ..location import Location
from .found import FoundArtifact
from .pieces import PieceStream

__all__ = ["CARD", "HUB_FOLDER", "HubRecord", "find_on_hub", "parse_record"]

DEFAULT_ENDPOINT = "https://huggingface.co"
DEFAULT_REVISION = "main"
HUB_FOLDER = "spacy-lambda"
"""The folder of a repository in which the manifest and its record lie."""

CARD = "README.md"
CHUNK = 1 << 20
TRIES = 5
TIMEOUT_S = 8
AT_ONCE = 8
SMALL = 1 << 20
"""Bytes below which a file is fetched beforehand, several at a time: most of a pipeline's files are small."""

MAX_RECORD_BYTES = 4 * 1024 * 1024
BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class HubRecord:
    """Which artifact a repository holds: ``spacy-lambda/artifact.json``.

    :param sha256: The artifact's identity.
    :param size: The artifact's bytes.
    :param folder: Where in the repository its files are; empty for the root.
    """

    sha256: str
    size: int
    folder: str = ""

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return json.dumps(asdict(self), indent=2, sort_keys=True).encode("ascii") + b"\n"

    def path_of(self, path: str) -> str:
        """Where in the repository one of the artifact's files is: at the root, README.md is the model card's place."""
        if self.folder:
            return f"{self.folder}/{path}"
        return f"{HUB_FOLDER}/{path}" if path == CARD else path


def parse_record(data: bytes, *, name: str) -> HubRecord:
    """Read a record.

    :raises StoreError: When it is none.
    """
    try:
        content = json.loads(data)
        return HubRecord(str(content["sha256"]), int(content["size"]), str(content["folder"]))
    except (ValueError, KeyError, TypeError) as exc:
        raise StoreError(
            f"{name} has a broken {HUB_FOLDER}/artifact.json: {exc}", remedy="push the pipeline again"
        ) from exc


def find_on_hub(location: Location) -> FoundArtifact:
    """Find the artifact of a repository; its revision is pinned to the commit that it is now.

    :raises NotStoredError: When there is no such repository or revision, or no artifact in it.
    :raises StoreError: When the Hub cannot be reached, or refuses.
    """
    repository = _Repository(location)
    record = parse_record(repository.read(f"{HUB_FOLDER}/artifact.json"), name=str(location))
    manifest = parse_manifest(repository.read(f"{HUB_FOLDER}/manifest.json"))

    @contextmanager
    def open_files() -> Iterator[PieceStream]:
        with ThreadPoolExecutor(AT_ONCE, "hub") as pool:
            small = {
                entry.path: pool.submit(list, repository.pieces(record.path_of(entry.path), entry.size))
                for entry in manifest.files
                if entry.size < SMALL
            }

            def contents(entry: FileEntry) -> Iterable[bytes]:
                fetched = small.get(entry.path)
                return (
                    repository.pieces(record.path_of(entry.path), entry.size) if fetched is None else fetched.result()
                )

            try:
                yield PieceStream(chunks(manifest, contents))
            finally:
                pool.shutdown(cancel_futures=True)

    return FoundArtifact(str(location), location.sha256 or record.sha256, artifact_size(manifest), open_files)


class _Repository:
    """One revision of a repository."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._revision = location.ref or DEFAULT_REVISION
        self._token = os.environ.get("HF_TOKEN", "")
        self._opener = urllib.request.build_opener(_SameHostKeepsToken)

    def read(self, path: str) -> bytes:
        """A small file."""
        try:
            with self._open(path, 0) as answer:
                self._revision = answer.headers.get("X-Repo-Commit") or self._revision
                data: bytes = answer.read(MAX_RECORD_BYTES)
        except BROKEN as exc:
            raise self._unreachable(path, exc) from exc
        return data

    def pieces(self, path: str, size: int) -> Iterator[bytes]:
        """A file; where a connection breaks, the next one goes on from there."""
        done, broken = 0, 0
        while done < size:
            try:
                with self._open(path, done) as answer:
                    while piece := answer.read(min(CHUNK, size - done)):
                        done += len(piece)
                        yield piece
                if done < size:
                    raise http.client.IncompleteRead(b"", size - done)
            except BROKEN as exc:
                broken += 1
                if broken == TRIES:
                    raise self._unreachable(path, exc) from exc
                time.sleep(0.1 * broken)

    def _open(self, path: str, start: int) -> http.client.HTTPResponse:
        request = urllib.request.Request(self._url(path), headers={"User-Agent": "spacy-lambda"})
        if self._token:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        if start:
            request.add_header("Range", f"bytes={start}-")
        for left in reversed(range(TRIES)):
            try:
                answer: http.client.HTTPResponse = self._opener.open(request, timeout=TIMEOUT_S)
            except urllib.error.HTTPError as exc:
                exc.close()
                if left == 0 or exc.code not in (429, 500, 502, 503, 504):
                    raise self._refused(path, exc) from exc
                time.sleep(0.3 * (TRIES - left))
            except OSError as exc:
                raise self._unreachable(path, exc) from exc
            else:
                if start and answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                    answer.read(start)
                return answer
        raise AssertionError("the last try returns or raises")

    def _url(self, path: str) -> str:
        endpoint = os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
        revision = urllib.parse.quote(self._revision, safe="")
        return f"{endpoint}/{self._location.path}/resolve/{revision}/{urllib.parse.quote(path)}"

    def _refused(self, path: str, error: urllib.error.HTTPError) -> StoreError:
        place = self._location.at(self._revision)
        if error.code in (401, 403):
            return StoreError(
                f"{place}: access is denied ({error.code})",
                remedy="set HF_TOKEN to one that may read it, and check its name: the Hub does not say which it is",
            )
        if error.code == 404:
            return NotStoredError(
                f"{place} has no {path}", remedy=f"push it with `spacy-lambda push hub {self._location.path} PIPELINE`"
            )
        return StoreError(f"{place}: the Hub answered {error.code} {error.reason}", remedy="try again later")

    def _unreachable(self, path: str, error: Exception) -> StoreError:
        return StoreError(
            f"{self._url(path)} cannot be reached: {error}", remedy="check the network, and HF_ENDPOINT where it is set"
        )


class _SameHostKeepsToken(urllib.request.HTTPRedirectHandler):
    """The Hub redirects renamed repositories to itself, and large files to other hosts, which get no token."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.unredirected_hdrs.get("Authorization")
        if new is not None and token and urllib.parse.urlsplit(newurl).netloc == req.host:
            new.add_unredirected_header("Authorization", token)
        return new
