"""Locations: read, refused, and printed as they were written."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacy_lambda.core.digest import Digest
from spacy_lambda.core.location import Location, parse_location
from spacy_lambda.errors import LocationError

DIGEST = Digest("0123456789abcdef" * 4)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("en_metals", Location("file", "en_metals")),
        ("./a/b", Location("file", "./a/b")),
        ("./models/en_metals@1.2.3-int8", Location("file", "./models/en_metals", "1.2.3-int8")),
        ("/x@y/z", Location("file", "/x@y/z")),
        ("x.tar#sha256=" + DIGEST, Location("file", "x.tar", None, DIGEST)),
        ("s3://models/a/b.tar", Location("s3", "models/a/b.tar")),
        ("s3://models/a/en_metals@live", Location("s3", "models/a/en_metals", "live")),
        ("s3://models/", Location("s3", "models")),
        ("s3://my.bucket-1/a@b/c#sha256=" + DIGEST, Location("s3", "my.bucket-1/a@b/c", None, DIGEST)),
        ("hf://owner/name", Location("hf", "owner/name")),
        ("hf://owner/name@refs/pr/1", Location("hf", "owner/name", "refs/pr/1")),
        ("hf://owner/na.me@v1#sha256=" + DIGEST, Location("hf", "owner/na.me", "v1", DIGEST)),
    ],
)
def test_locations(text: str, location: Location) -> None:
    assert parse_location(text) == location
    assert str(location) == text.rstrip("/")


def test_the_digest_is_lower_case() -> None:
    assert parse_location(f"x#sha256={DIGEST.upper()}").sha256 == DIGEST


def test_a_path_that_exists_keeps_its_at(tmp_path: Path) -> None:
    (tmp_path / "en@live").mkdir()
    assert parse_location(str(tmp_path / "en@live")) == Location("file", str(tmp_path / "en@live"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("#sha256=" + DIGEST, "is empty"),
        ("x#sha256=12", "digest of 2 digits"),
        ("gs://bucket/x", "unknown scheme 'gs'"),
        ("s3://", "has an invalid bucket name"),
        ("s3://UPPER/x", "has an invalid bucket name"),
        ("s3://bucket/x#sha512=1", "'#' that is not #sha256="),
        ("hf://name", "not a repository"),
        ("hf://owner/name/more", "not a repository"),
        ("hf://owner/name@../../x", "not a repository"),
        ("hf://../name", "not a repository"),
        ("hf://owner/..", "not a repository"),
        ("hf://owner/.git", "not a repository"),
        ("hf://owner/näme", "not a repository"),
        ("a" * 5000, "5,000 characters"),
        ("s3://models/" + "a" * 5000, "5,012 characters"),
        ("a\0b", "a NUL byte"),
        ("a" * 300, "is an invalid path: File name too long"),
        ("./" + "a" * 300 + "@1", "is an invalid path: File name too long"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(LocationError, match=message) as caught:
        parse_location(text)
    assert caught.value.remedy
