"""HTTP requests and responses, independent of the integration."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spacy_lambda.core.lambda_limits import REQUEST_BYTES
from spacy_lambda.errors import RequestError
from spacy_lambda.runtime.response_size import json_bytes

__all__ = [
    "HttpRequest",
    "HttpResponse",
    "body_bytes",
    "compressed",
    "event_bytes",
    "lower_keys",
    "takes_gzip",
    "to_text",
]

MIN_GZIP_BYTES = 1024

_GZIP = re.compile(r"gzip(;(?!q=0(\.0*)?$).*)?")
"""A part of ``Accept-Encoding`` that takes gzip; a weight of 0 is a refusal, however many digits it has."""


@dataclass(frozen=True)
class HttpRequest:
    """A call.

    :param method: In capitals.
    :param path: The path in the API, decoded, with a slash at its beginning and none at its end.
    :param headers: By lower-case name.
    :param body: As it was sent, packed or not.
    :param id: The sender's ID of the call.
    :param base: The base path of the API, such as ``/prod``; empty if it has none.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    id: str
    base: str = ""

    def content(self, max_bytes: int = 10 * REQUEST_BYTES) -> bytes:
        """Return the body, unpacked.

        :param max_bytes: Bytes that it may unpack to.
        :raises RequestError: If it cannot be unpacked, or is too large then.
        """
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding in ("", "identity"):
            return self.body
        if coding != "gzip":
            raise RequestError(
                f"the content coding {coding[:100]!r} is unknown", remedy="send gzip, or identity", status=415
            )
        try:
            unpacker = zlib.decompressobj(wbits=31)
            data = unpacker.decompress(self.body, max_bytes)
        except zlib.error as exc:
            raise RequestError(f"the body is not gzip: {exc}", remedy="compress it as Content-Encoding states") from exc
        if unpacker.unconsumed_tail or (not unpacker.eof and len(data) >= max_bytes):
            raise RequestError(
                f"the body has more than {max_bytes:,} bytes unpacked", remedy="send less at once", status=413
            )
        if not unpacker.eof:
            raise RequestError("the body is cut off: the gzip data has no end", remedy="send all of it")
        if unpacker.unused_data:
            raise RequestError("there is more after the gzip data", remedy="send one gzip member")
        return data


@dataclass(frozen=True)
class HttpResponse:
    """A response.

    :param status: The status code.
    :param body: The content.
    :param headers: By lower-case name.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def adding(self, **headers: str) -> HttpResponse:
        """Return the same response with more headers; underscores stand for hyphens."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **more})


def compressed(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """Return the response, compressed with gzip if the caller accepts it and it is smaller."""
    if not takes_gzip(request) or len(response.body) < MIN_GZIP_BYTES:
        return response.adding(vary="accept-encoding")
    packed = replace(response, body=gzip.compress(response.body, 5, mtime=0))
    return packed.adding(content_encoding="gzip", vary="accept-encoding")


def takes_gzip(request: HttpRequest) -> bool:
    """Return whether the caller accepts gzip."""
    accepted = request.headers.get("accept-encoding", "").lower().replace(" ", "")
    return any(_GZIP.fullmatch(coding) for coding in accepted.split(","))


def body_bytes(event: Mapping[str, Any]) -> bytes:
    """Return the body of an event, which is text or base64.

    :raises RequestError: If it is marked as base64, but is not.
    """
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise RequestError("the event's body is not a string", remedy="send the event as AWS does", key="body")
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise RequestError(f"the event's body is not base64: {exc}", remedy="send the event as AWS does") from exc


def to_text(body: bytes) -> tuple[str, bool]:
    """Return a body as a string in JSON, and whether it is base64."""
    try:
        return body.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), True


def event_bytes(response: HttpResponse) -> int:
    """Return the bytes of a response in the form of an integration, or a few more."""
    body, _ = to_text(response.body)
    around = sum(len(name) + len(value) + 16 for name, value in response.headers.items()) + 256
    return json_bytes(body) + around


def lower_keys(headers: Any) -> dict[str, str]:
    """Headers by lower-case name; of one with several values, the values as one."""
    pairs = headers.items() if isinstance(headers, Mapping) else ()
    return {
        str(name).lower(): ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in pairs
    }
