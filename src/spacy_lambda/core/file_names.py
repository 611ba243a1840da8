"""File names as other systems read them."""

from __future__ import annotations

import re

__all__ = ["folded", "is_device"]

DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*| +\..*)?", re.DOTALL)
"""Names of devices on Windows, in every folder and with every ending."""


def folded(name: str) -> str:
    """Normalize a name as systems do that ignore case and Unicode forms."""
    if name.isascii():
        return name.lower()
    import unicodedata

    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_device(part: str) -> bool:
    """Return whether a part of a path is the name of a device on Windows, which no file can have."""
    return DEVICES.fullmatch(folded(part)) is not None
