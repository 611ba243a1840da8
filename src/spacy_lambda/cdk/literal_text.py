"""Literal text in templates, and text that has a special meaning there.

CloudFormation reads ``{{resolve:...}}`` in every value as a secret or a parameter to look up, ``${AWS::...}`` in some;
the CDK reads ``${Token[...]}`` as a value that it computes later. None of them can be escaped, so that a text with one
of them is refused before it reaches a template.
"""

from __future__ import annotations

import re

__all__ = ["LINES", "complaint", "key_complaint", "pattern_complaint"]

COMMANDS = {
    "a dynamic reference of CloudFormation": re.compile(r"\{\{\s*resolve", re.IGNORECASE),
    "a token of the CDK": re.compile(r"[$#@]\{\s*Token\s*\[", re.IGNORECASE),
    "a pseudo parameter of CloudFormation": re.compile(r"\$\{\s*!?\s*AWS\s*::", re.IGNORECASE),
}
INTRINSIC = re.compile(r"Ref|Condition|Fn::.*|AWS::.*", re.DOTALL)
"""Keys that make a table an intrinsic function of CloudFormation."""

LINES = "\t\n\r"
"""Control characters of text with several lines."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
PATTERN = re.compile(r"[*?$]")
LONGEST_KEY = 1024


def complaint(text: str, *, allowed: str = "") -> str | None:
    """What is wrong with a text, to be read after "it"; ``None`` where it means itself.

    :param allowed: Control characters that may be in it.
    """
    found = next((one for one in CONTROL.findall(text) if one not in allowed), None)
    if found is not None:
        what = "half a character" if 0xD800 <= ord(found) <= 0xDFFF else "a control character"
        return f"has {what} (U+{ord(found):04X})"
    return next((f"has {what} ({match[0]})" for what, one in COMMANDS.items() if (match := one.search(text))), None)


def key_complaint(key: str) -> str | None:
    """The same for the key of a table, which can be a function's name as well."""
    return f"is {key}, a function of CloudFormation" if INTRINSIC.fullmatch(key) else complaint(key)


def pattern_complaint(place: str) -> str | None:
    """What is wrong with a bucket and a key that a policy of IAM is to name, and nothing else with them.

    :param place: ``bucket/key``.
    """
    found = PATTERN.search(place)
    if found is not None:
        return f"has {found[0]!r}, which a policy would read as a pattern"
    if any(step in ("..", ".") for step in place.split("/")):
        return "has a step '..' or '.', which a key does not mean"
    if len(place.encode("utf-8", "replace")) > LONGEST_KEY:
        return f"has {len(place.encode('utf-8', 'replace')):,} bytes; S3 takes {LONGEST_KEY:,}"
    return complaint(place)
