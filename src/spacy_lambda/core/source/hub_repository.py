"""Files of a repository on the Hugging Face Hub, over plain HTTP.

Endpoints: ``GET /OWNER/NAME/resolve/REVISION/PATH``, as in https://huggingface.co/docs/hub/models-downloading.
"""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

from spacy_lambda.core.artifact.manifest import MAX_MANIFEST_BYTES
from spacy_lambda.core.foreign_errors import connection_reason
from spacy_lambda.core.location import Location
from spacy_lambda.core.source.redirects import strict_opener
from spacy_lambda.core.streams import CHUNK_BYTES
from spacy_lambda.errors import NotStoredError, StoreError

__all__ = ["DEFAULT_REVISION", "Repository"]

DEFAULT_ENDPOINT = "https://huggingface.co"
DEFAULT_REVISION = "main"
TRIES = 5
TIMEOUT_S = 8
MAX_SMALL_BYTES = MAX_MANIFEST_BYTES
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError)


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
                    while chunk := response.read(min(CHUNK_BYTES, size - done)):
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
                f"{place} has no {path}", remedy=f"push it with `spacy-lambda push PIPELINE hf://{self._location.path}`"
            )
        return StoreError(f"{place}: the Hub responded with {error.code} {error.reason}", remedy="retry later")

    def _unreachable(self, path: str, error: Exception) -> StoreError:
        return StoreError(
            f"{self._url(path)} cannot be reached: {connection_reason(error)}",
            remedy="check the network, and HF_ENDPOINT where it is set",
        )


def _skip(response: http.client.HTTPResponse, size: int) -> None:
    """Skip bytes that were read before."""
    while size and (chunk := response.read(min(CHUNK_BYTES, size))):
        size -= len(chunk)
