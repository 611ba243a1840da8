"""Literal text in templates, and text that has a special meaning there.

CloudFormation reads ``{{resolve:...}}`` in every value as a secret or a parameter to look up, ``${AWS::...}`` in some;
the CDK reads ``${Token[...]}`` as a value that it computes later. None of them can be escaped, so that a text with one
of them is refused before it reaches a template.
"""

from __future__ import annotations

import re

__all__ = ["MULTILINE_CONTROLS", "key_problem", "pattern_problem", "text_problem"]

SPECIAL_TEXTS = {
    "a dynamic reference of CloudFormation": re.compile(r"\{\{\s*resolve", re.IGNORECASE),
    "a token of the CDK": re.compile(r"[$#@]\{\s*Token\s*\[", re.IGNORECASE),
    "a pseudo parameter of CloudFormation": re.compile(r"\$\{\s*!?\s*AWS\s*::", re.IGNORECASE),
}
INTRINSIC = re.compile(r"Ref|Condition|Fn::.*|AWS::.*", re.DOTALL)
"""Keys that make a table an intrinsic function of CloudFormation."""

MULTILINE_CONTROLS = "\t\n\r"
"""Control characters of text with several lines."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
PATTERN = re.compile(r"[*?$]")
MAX_KEY_BYTES = 1024


def text_problem(text: str, *, allowed: str = "") -> str | None:
    """Return the problem of a text, as the end of a sentence about it; ``None`` if it is literal.

    :param allowed: Control characters that may be in it.
    """
    found = next((one for one in CONTROL.findall(text) if one not in allowed), None)
    if found is not None:
        what = "a lone surrogate" if 0xD800 <= ord(found) <= 0xDFFF else "a control character"
        return f"has {what} (U+{ord(found):04X})"
    return next(
        (f"has {what} ({match[0]})" for what, one in SPECIAL_TEXTS.items() if (match := one.search(text))), None
    )


def key_problem(key: str) -> str | None:
    """Return the problem of a table's key, which can also be an intrinsic function's name."""
    return f"is {key}, a function of CloudFormation" if INTRINSIC.fullmatch(key) else text_problem(key)


def pattern_problem(place: str) -> str | None:
    """Return the problem of a bucket and key in an IAM policy, which must not match anything but itself.

    :param place: ``bucket/key``.
    """
    found = PATTERN.search(place)
    if found is not None:
        return f"has {found[0]!r}, which a policy would read as a pattern"
    if any(step in ("..", ".") for step in place.split("/")):
        return "has a step '..' or '.', which a key does not mean"
    if len(place.encode("utf-8", "replace")) > MAX_KEY_BYTES:
        return f"has {len(place.encode('utf-8', 'replace')):,} bytes; S3 takes {MAX_KEY_BYTES:,}"
    return text_problem(place)
