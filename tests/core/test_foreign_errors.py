"""Errors of the system and of client libraries, in words; and no message of ours contains them as they are."""

from __future__ import annotations

import ast
import errno
import shutil
import socket
import ssl
from pathlib import Path

import pytest
import requests
import urllib3
from botocore.exceptions import EndpointConnectionError, ParamValidationError

import spacy_lambda
from spacy_lambda.core.foreign_errors import connection_reason, system_reason

SOURCE = Path(spacy_lambda.__file__).parent
REFUSED = {"OSError", "PermissionError", "FileNotFoundError", "BROKEN", "BROKEN_ZIP"}
"""Errors whose text has a number in brackets."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), "No such file or directory"),
        (OSError("it is odd"), "it is odd"),
        (shutil.Error([("a", "b", "[Errno 13] Permission denied: 'a'")]), "Permission denied (a)"),
        (UnicodeDecodeError("utf-8", b"ab\xff", 2, 3, "x"), "it is not UTF-8 (byte 0xff at position 2)"),
        (ValueError("[Errno 2] inside"), "inside"),
        (ValueError(), "ValueError"),
    ],
)
def test_reasons_of_the_system(error: Exception, reason: str) -> None:
    assert system_reason(error) == reason


def wrapped(inner: BaseException) -> requests.ConnectionError:
    """Return the error of requests for one of the system, as its layers wrap it."""
    pool = urllib3.HTTPConnectionPool("example.com", 80)
    reset = urllib3.exceptions.NewConnectionError(pool, "it failed")  # type: ignore[arg-type]
    reset.__cause__ = inner
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/x?secret=1", reset))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (wrapped(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")), "Connection refused"),
        (wrapped(socket.gaierror(-2, "Name or service not known")), "the host name cannot be resolved"),
        (wrapped(TimeoutError("timed out")), "no response in time"),
        (wrapped(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")), "TLS failed; is it an http address?"),
        (requests.ConnectTimeout("x"), "no response in time"),
        (requests.TooManyRedirects("http://a/?secret=1"), "too many redirects"),
        (EndpointConnectionError(endpoint_url="http://a"), "endpoint connection error"),
        (ParamValidationError(report="Name: x"), "param validation error"),
        (ConnectionError("HF_HUB_OFFLINE is set"), "HF_HUB_OFFLINE is set"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_reasons_of_connections(error: Exception, reason: str) -> None:
    assert connection_reason(error) == reason


def test_no_message_formats_an_error_of_the_system() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for handler in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(handler, ast.ExceptHandler) or handler.type is None or handler.name is None:
                continue
            caught = {ast.unparse(node) for node in ast.walk(handler.type)}
            formatted = {ast.unparse(one.value) for one in ast.walk(handler) if isinstance(one, ast.FormattedValue)}
            if caught & REFUSED and handler.name in formatted:
                found.append(f"{path.relative_to(SOURCE)}:{handler.lineno}")
    assert found == [], "format system_reason(exc) instead"
