"""A token is sent to one scheme, host and port, regardless of the address in a response."""

from __future__ import annotations

import http.client
import io
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from spacy_lambda.client.hub_inference import query_model
from spacy_lambda.core.location import parse_location
from spacy_lambda.core.source.find import find_artifact
from spacy_lambda.core.source.redirects import _StrictRedirects, strict_opener
from spacy_lambda.errors import InferenceError, StoreError

# huggingface_hub leaves the connections of its threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TOKEN = "Bearer hf_secret"
AT = "https://huggingface.co/acme/metals/resolve/main/x"


def redirected(start: str, target: str) -> urllib.request.Request | None:
    """Return the request that follows, or ``None``."""
    request = urllib.request.Request(start)
    request.add_unredirected_header("Authorization", TOKEN)
    return _StrictRedirects().redirect_request(request, io.BytesIO(), 302, "Found", http.client.HTTPMessage(), target)


def tokens(request: urllib.request.Request | None) -> str | None:
    assert request is not None
    return request.unredirected_hdrs.get("Authorization") or request.headers.get("Authorization")


@pytest.mark.parametrize(
    ("start", "target"),
    [
        (AT, "https://huggingface.co/other/name"),
        (AT, "https://HUGGINGFACE.co:443/other"),
        ("https://huggingface.co:443/x", "https://huggingface.co/y"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/y"),
        ("http://localhost/x", "http://localhost:80/y"),
    ],
)
def test_the_token_stays_with_its_origin(start: str, target: str) -> None:
    assert tokens(redirected(start, target)) == TOKEN


@pytest.mark.parametrize(
    ("start", "target"),
    [
        (AT, "https://cdn.huggingface.co/x"),
        (AT, "https://huggingface.co.evil.org/x"),
        (AT, "https://evil.org/huggingface.co"),
        (AT, "https://huggingface.co:8443/x"),
        (AT, "https://huggingface.c/x"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8081/x"),
        ("http://127.0.0.1:8080/x", "https://127.0.0.1:8080/x"),
        ("http://127.0.0.1:8080/x", "http://localhost:8080/x"),
    ],
)
def test_other_origins_get_no_token(start: str, target: str) -> None:
    assert tokens(redirected(start, target)) is None


@pytest.mark.parametrize(
    "target",
    [
        *("http://huggingface.co/x", "HTTP://huggingface.co/x", "http://huggingface.co:443/x", "http://evil.org/x"),
        *(
            "ftp://huggingface.co/x",
            "file:///etc/passwd",
            "data:text/plain,x",
            "gopher://huggingface.co",
            "javascript:x",
        ),
        *(
            "https://user@huggingface.co/x",
            "https://hf:secret@huggingface.co/x",
            "https:///x",
            "//[::1",
            "https://[bad/x",
        ),
        *("https://huggingface.co:99999/x", "https://huggingface.co:a/x", ""),
    ],
)
def test_redirects_that_are_not_followed(target: str) -> None:
    with pytest.raises(StoreError, match="which is refused") as caught:
        redirected(AT, target)
    assert "hf_secret" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x"])
def test_other_schemes_are_not_opened(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="unknown url type"):
        strict_opener().open(url)
    monkeypatch.setenv("HF_ENDPOINT", url)
    with pytest.raises(StoreError, match="cannot be reached"):
        find_artifact(parse_location("hf://acme/metals"))


class Answers(BaseHTTPRequestHandler):
    """Redirects to the server's ``target``, and keeps each request's path and token."""

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization")))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Location", self.server.target)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def answering(target: str, status: int = 302) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.target, server.status, server.seen = target, status, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_is_not_sent_to_another_port(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering("/never", 404) as other, answering(f"{other.url}/x", status) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(StoreError):
            find_artifact(parse_location("hf://acme/metals"))
    assert [token for _, token in hub.seen] == [TOKEN]
    assert [token for _, token in other.seen] == [None]


@pytest.mark.parametrize("target", ["/again", "ftp://127.0.0.1/x", "file:///etc/passwd", "//[bad", "http://\x7f/", ""])
def test_every_redirect_ends(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(target) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(StoreError) as caught:
            find_artifact(parse_location("hf://acme/metals"))
    assert 1 <= len(hub.seen) <= 6
    assert "hf_secret" not in str(caught.value)


def test_from_https_nothing_follows_to_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, with a fake connection: no certificate is needed."""

    class Answer(io.BytesIO):
        status = code = 302
        reason = msg = "Found"

        def __init__(self, headers: Message) -> None:
            super().__init__()
            self.headers = headers

        def info(self) -> Message:
            return self.headers

    asked: list[str] = []

    def open_it(self: Any, kind: Any, request: urllib.request.Request, **_: Any) -> Answer:
        asked.append(request.full_url)
        headers = Message()
        headers["Location"] = request.full_url.replace("https", "http")
        return Answer(headers)

    monkeypatch.setattr(urllib.request.AbstractHTTPHandler, "do_open", open_it)
    monkeypatch.setattr(ssl, "create_default_context", lambda *arguments: None)
    monkeypatch.setenv("HF_ENDPOINT", "https://huggingface.co")
    with pytest.raises(StoreError, match=r"redirects to 'http://huggingface\.co"):
        find_artifact(parse_location("hf://acme/metals"))
    assert len(asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_inference_api_is_not_followed_at_all(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the token nor the text is sent elsewhere."""
    with (
        answering("/never", 404) as other,
        answering(f"{other.url}/x", status) as api,
        pytest.raises(InferenceError, match="redirects") as caught,
    ):
        query_model(parse_location("hf://acme/metals"), "iron", endpoint=api.url)
    assert len(api.seen) == 1
    assert other.seen == []
    assert "HF_INFERENCE_ENDPOINT" in caught.value.remedy
