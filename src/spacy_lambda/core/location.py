"""Locations of pipelines, in one line of text.

::

    ./path   package_name   s3://bucket/key   hf://owner/name      followed by  @REF  and  #sha256=DIGEST

``@REF`` is a version, an alias or a digest in a store, or a revision on the Hub. ``#sha256=`` is the artifact's
digest: where it is given, nothing else is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from spacy_lambda.core.digest import Digest, is_digest
from spacy_lambda.errors import LocationError, shorten

__all__ = ["Location", "Scheme", "parse_location"]

Scheme = Literal["file", "s3", "hf"]

FRAGMENT = re.compile(r"#sha256=(?P<sha256>[^#]*)\Z", re.IGNORECASE)
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
HUB_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,254}")
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w-][\w.-]{0,95}", re.ASCII)
MAX_LENGTH = 4096
WRITE_DIGEST = "write #sha256= and 64 hexadecimal digits"
FORMS = "write ./path, s3://bucket/key or hf://owner/name, each with or without @REF and #sha256=DIGEST"


@dataclass(frozen=True)
class Location:
    """The location of a pipeline.

    :param scheme: ``file`` for paths and names of installed packages.
    :param path: A path or a package's name; ``bucket/key``; ``owner/name``.
    :param ref: Version, alias, digest or revision.
    :param sha256: The artifact's digest.
    """

    scheme: Scheme
    path: str
    ref: str | None = None
    sha256: Digest | None = None

    def __post_init__(self) -> None:
        if self.sha256 is not None and not is_digest(self.sha256):
            raise LocationError(f"{self.sha256!a} is not a digest", remedy=WRITE_DIGEST)

    def __str__(self) -> str:
        prefix = "" if self.is_local else f"{self.scheme}://"
        ref = "" if self.ref is None else f"@{self.ref}"
        sha256 = "" if self.sha256 is None else f"#sha256={self.sha256}"
        return f"{prefix}{self.path}{ref}{sha256}"

    @property
    def is_local(self) -> bool:
        """True for a path or a package on this machine."""
        return self.scheme == "file"

    @property
    def is_repository(self) -> bool:
        """True for a repository of the Hub, which has revisions instead of versions and aliases."""
        return self.scheme == "hf"

    @property
    def bucket(self) -> str:
        """The bucket of an ``s3://`` location."""
        return self.path.partition("/")[0]

    @property
    def key(self) -> str:
        """The key of an ``s3://`` location."""
        return self.path.partition("/")[2]

    @property
    def is_artifact(self) -> bool:
        """True for an artifact's file, false for a version in a store."""
        return not self.is_repository and self.path.lower().endswith(".tar")

    def at(self, ref: str | None) -> Location:
        """Return the location of another version.

        :param ref: The version or the alias; ``None`` for the default one.
        """
        return replace(self, ref=ref, sha256=None)


def parse_location(text: str) -> Location:
    """Parse a location. Only the existence of a path with ``@`` is looked up.

    :param text: ``./path``, ``s3://bucket/key`` or ``hf://owner/name``; ``@REF`` and ``#sha256=DIGEST`` may follow.
    :raises LocationError: If it is invalid.
    """
    if len(text) > MAX_LENGTH or "\0" in text:
        raise LocationError(
            f"{shorten(ascii(text))} is not a location: it has {len(text):,} characters, or a NUL byte", remedy=FORMS
        )
    rest, sha256 = _split_digest(text)
    scheme, separator, path = rest.partition("://")
    if not separator:
        return _path(rest, sha256)
    parse = PARSERS.get(scheme)
    if parse is None:
        raise LocationError(f"{text!r} has the unknown scheme {scheme!r}", remedy=FORMS)
    return parse(text, path, sha256)


def _hub(text: str, path: str, sha256: Digest | None) -> Location:
    path, at, revision = path.partition("@")
    ref = revision if at else None
    _check_fragment(text, path)
    if not HUB_NAME.fullmatch(path) or (ref is not None and (not HUB_REF.fullmatch(ref) or ".." in ref)):
        raise LocationError(
            f"{text!r} is not a repository of the Hub", remedy="write hf://owner/name or hf://owner/name@revision"
        )
    return Location("hf", path, ref, sha256)


def _split_digest(text: str) -> tuple[str, Digest | None]:
    """Split off the digest, which may have capital digits here."""
    fragment = FRAGMENT.search(text)
    if fragment is None:
        return text, None
    digits = fragment["sha256"].lower() if fragment["sha256"].isascii() else fragment["sha256"]
    if not is_digest(digits):
        what = f"a digest of {len(digits)} digits" if re.fullmatch(r"[0-9a-f]*", digits) else "an invalid digest"
        raise LocationError(f"{text!r} has {what}", remedy=WRITE_DIGEST)
    return text[: fragment.start()], Digest(digits)


def _path(path: str, sha256: Digest | None) -> Location:
    if not path:
        raise LocationError("the location is empty", remedy=FORMS)
    try:
        there = Path(path).exists()
    except OSError as exc:
        raise LocationError(f"{shorten(ascii(path))} is an invalid path: {exc.strerror}", remedy=FORMS) from exc
    before, ref = (path, None) if there else _split(path)
    return Location("file", before, ref, sha256)


def _s3(text: str, path: str, sha256: Digest | None) -> Location:
    # Most functions start without a location in S3.
    from spacy_lambda.core.output_location import BUCKET

    path, ref = _split(path)
    _check_fragment(text, path)
    bucket = path.partition("/")[0]
    if not BUCKET.fullmatch(bucket):
        raise LocationError(f"{text!r} has an invalid bucket name: {bucket!r}", remedy="write s3://bucket/key")
    return Location("s3", path.rstrip("/"), ref, sha256)


PARSERS: Mapping[str, Callable[[str, str, Digest | None], Location]] = {"s3": _s3, "hf": _hub}
"""The grammar behind each ``SCHEME://``."""


def _check_fragment(text: str, path: str) -> None:
    if "#" in path:
        raise LocationError(f"{text!r} has a '#' that is not #sha256=", remedy=FORMS)


def _split(path: str) -> tuple[str, str | None]:
    """Split off ``@REF``; an ``@`` before anything else belongs to the path."""
    before, at, ref = path.rpartition("@")
    return (before, ref) if at and before and REF.fullmatch(ref) else (path, None)
