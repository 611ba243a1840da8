"""Signatures, computed again as AWS documents them."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore.credentials import Credentials
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from spacy_lambda.client import Client
from spacy_lambda.client.signing import Signer, SigningScope, make_signer, scope_of
from spacy_lambda.errors import InvokeError

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
FUNCTION_URL = "https://abc123.lambda-url.eu-west-1.on.aws"
GATEWAY = "https://a1b2.execute-api.us-east-2.amazonaws.com/prod"


def session(token: str | None = "the-session-token") -> boto3.Session:
    return boto3.Session("AKIDEXAMPLE", SECRET, token, region_name="eu-central-1")


class Sent(BaseAdapter):
    """Records the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.requests.append(request)
        response = requests.Response()
        response.status_code, response.url = 200, str(request.url)
        response.raw = HTTPResponse(io.BytesIO(b"[]"), preload_content=False)
        return response

    def close(self) -> None:
        pass


def sent(client: Client, text: str = "naïve 🧪") -> requests.PreparedRequest:
    adapter = Sent()
    client._transport._session.mount("https://", adapter)  # type: ignore[attr-defined]
    client.predict(text)
    return adapter.requests[0]


def digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(request: requests.PreparedRequest, service: str, region: str, names: list[str]) -> str:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, step by step."""
    parts = urlsplit(str(request.url))
    values = {name.lower(): str(value) for name, value in request.headers.items()} | {"host": parts.netloc}
    assert isinstance(request.body, bytes)
    canonical = [str(request.method), parts.path, parts.query, *(f"{name}:{values[name]}" for name in names), ""]
    canonical += [";".join(names), hashlib.sha256(request.body).hexdigest()]
    now = values["x-amz-date"]
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for step in (now[:8], region, service, "aws4_request"):
        key = digest(key, step)
    return digest(key, f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}").hex()


@pytest.mark.parametrize(
    ("url", "service", "region", "path"),
    [(FUNCTION_URL, "lambda", "eu-west-1", "/predict"), (GATEWAY, "execute-api", "us-east-2", "/prod/predict")],
)
def test_the_signature_is_aws_s(url: str, service: str, region: str, path: str) -> None:
    request = sent(Client(url, session=session()))
    assert urlsplit(str(request.url)).path == path
    found = re.fullmatch(
        rf"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{{8}}/{region}/{service}/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        str(request.headers["Authorization"]),
    )
    assert found is not None
    names = found[1].split(";")
    assert names == ["content-type", "host", "x-amz-date", "x-amz-security-token"]
    assert request.headers["X-Amz-Security-Token"] == "the-session-token"
    assert found[2] == signature(request, service, region, names)


def test_the_example_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """``get-vanilla`` of AWS's Signature Version 4 test suite."""
    from datetime import UTC, datetime

    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *a, **k: datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    signer = Signer(Credentials("AKIDEXAMPLE", SECRET), SigningScope("service", "us-east-1"))
    headers = signer.headers("GET", "https://example.amazonaws.com/", b"", {})
    assert headers["Authorization"].endswith(
        "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_credentials_without_a_session_token() -> None:
    request = sent(Client(FUNCTION_URL, session=session(None)))
    assert "SignedHeaders=content-type;host;x-amz-date," in str(request.headers["Authorization"])
    assert "X-Amz-Security-Token" not in request.headers


@pytest.mark.parametrize(
    ("url", "how", "is_signed"),
    [
        (FUNCTION_URL, {"session": session()}, True),
        (FUNCTION_URL, {"session": session(), "auth": "none"}, False),
        (FUNCTION_URL, {}, False),
        ("https://example.com", {"session": session()}, False),
        ("https://example.com", {"session": session(), "auth": "iam"}, True),
    ],
)
def test_signed_hosts(url: str, how: dict[str, Any], is_signed: bool) -> None:
    assert ("Authorization" in sent(Client(url, **how)).headers) is is_signed


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        (FUNCTION_URL, SigningScope("lambda", "eu-west-1")),
        (FUNCTION_URL.upper().replace("HTTPS", "https"), SigningScope("lambda", "eu-west-1")),
        (GATEWAY, SigningScope("execute-api", "us-east-2")),
        ("https://a1.execute-api.cn-north-1.amazonaws.com.cn", SigningScope("execute-api", "cn-north-1")),
        ("https://abc.lambda-url.eu-west-1.on.aws.example.com", None),
        ("http://abc.lambda-url.eu-west-1.on.aws", None),
        ("https://example.com/abc.lambda-url.eu-west-1.on.aws", None),
        ("http://127.0.0.1:9001", None),
    ],
)
def test_hosts(url: str, scope: SigningScope | None) -> None:
    assert scope_of(url) == scope


def test_a_domain_name_needs_a_region() -> None:
    signer = make_signer("https://example.com", auth="iam", region="ca-west-1", session=session)
    assert signer is not None
    assert "/ca-west-1/execute-api/" in signer.headers("GET", "https://example.com/info", b"", {})["Authorization"]
    with pytest.raises(InvokeError, match="its region is unknown") as caught:
        make_signer("https://example.com", auth="iam", region=None, session=lambda: boto3.Session("a", "b"))
    assert caught.value.remedy == "give region='...'"


def test_iam_without_credentials() -> None:
    with pytest.raises(InvokeError, match="no AWS credentials") as caught:
        Client(FUNCTION_URL, auth="iam")
    assert "auth='none'" in caught.value.remedy
