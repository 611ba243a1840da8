"""The type of SHA-256 digests that come from outside.

A digest names files and folders, so anything but 64 lower-case hexadecimal digits is refused where it is read: records,
pointers, metadata, manifests, file names, environment variables. People write locations: their capitals are lowered.
"""

from __future__ import annotations

import re
from typing import NewType

from spacy_lambda.errors import DigestError, shorten

__all__ = ["Digest", "is_digest", "parse_digest"]

Digest = NewType("Digest", str)
"""A SHA-256 in 64 lower-case hexadecimal digits; only :func:`parse_digest` makes one of text from outside."""

FORM = re.compile(r"[0-9a-f]{64}", re.ASCII)


def parse_digest(value: object, *, name: str) -> Digest:
    """Check that a value is a digest.

    :param name: The value's name in the error.
    :raises DigestError: If it is not a string of 64 lower-case hexadecimal digits.
    """
    if not is_digest(value):
        raise DigestError(
            f"{name} is {_shown(value)}, which is not a SHA-256 digest",
            remedy="give 64 lower-case hexadecimal digits, as `sha256sum` and `spacy-lambda ls --json` print them",
        )
    return Digest(str(value))


def is_digest(value: object) -> bool:
    """Return whether a value has the form of a digest, which no version or alias may have."""
    return type(value) is str and FORM.fullmatch(value) is not None


def _shown(value: object) -> str:
    if not isinstance(value, str):
        return f"of type {type(value).__name__}"
    return shorten(ascii(value))
