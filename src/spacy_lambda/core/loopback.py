"""Hosts of this machine, and the region of a Lambda on it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

__all__ = ["LOCAL_REGION", "is_loopback", "is_loopback_url"]

LOCAL_REGION = "us-east-1"
"""The region of a Lambda on this machine, which signatures and ARNs contain."""


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: ``localhost``, a name below it (RFC 6761), or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Return whether a URL's host is this machine."""
    return is_loopback(urlsplit(url).hostname or "")
