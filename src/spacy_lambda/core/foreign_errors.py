"""Errors of the system and of libraries, in words that a message of ours can contain.

``str`` of them has numbers (``[Errno 2]``), names of classes and the chains of errors that client libraries wrap into
each other.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator

from spacy_lambda.errors import first_line

__all__ = ["CLIENTS", "NUMBER", "connection_reason", "is_disk_full", "system_reason", "value_reason"]

CLIENTS = ("botocore", "requests", "urllib3")
"""Client libraries."""

NUMBER = re.compile(r"\[(?:Errno|WinError) -?\d+\] ")
"""An error's number in Python's messages of system errors."""

DISK_FULL = re.compile(
    "|".join(map(re.escape, (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "ENOSPC", "EDQUOT"))), re.IGNORECASE
)


def is_disk_full(output: str) -> bool:
    """Return whether the output of a program that has failed reports that a disk, or the user's quota, is full."""
    return DISK_FULL.search(output) is not None


def system_reason(error: BaseException) -> str:
    """Return why a file cannot be used, without the error's number and the file's name."""
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 (byte 0x{error.object[error.start]:02x} at position {error.start:,})"
    if isinstance(error, OSError) and error.args and isinstance(error.args[0], list):  # of shutil, one for each file
        source, _, why = error.args[0][0]
        return f"{NUMBER.sub('', str(why)).partition(': ')[0]} ({source})"
    return NUMBER.sub("", first_line(error))


def value_reason(error: ValueError) -> str:
    """Return the message of an error; of a number that Python's limit of digits refuses, without its function."""
    if "set_int_max_str_digits" in str(error):
        return f"a number has more than {sys.get_int_max_str_digits():,} digits"
    return str(error)


def connection_reason(error: BaseException) -> str:
    """Return why a connection failed, by the innermost error that a client library has wrapped."""
    import socket
    import ssl  # which a function need not load

    chain = list(_chain(error))
    for one in reversed(chain):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {one.verify_message}"
        if isinstance(one, ssl.SSLError):
            return "TLS failed; is it an http address?"
        if isinstance(one, socket.gaierror):
            return "the host name cannot be resolved"
        if isinstance(one, OSError) and one.strerror:
            return str(one.strerror)
    if any(isinstance(one, TimeoutError) or "Timeout" in type(one).__name__ for one in chain):
        return "no response in time"
    # The messages of client libraries repeat URLs and headers, which may contain secrets.
    last = type(chain[-1])
    return _words(last.__name__) if last.__module__.partition(".")[0] in CLIENTS else first_line(chain[-1])


def _words(name: str) -> str:
    """``TooManyRedirects`` -> ``too many redirects``"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it wraps, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        wrapped = (error.__cause__, getattr(error, "reason", None), *error.args, error.__context__)
        found = next((one for one in wrapped if isinstance(one, BaseException) and id(one) not in seen), None)
        if found is None:
            return
        error = found
