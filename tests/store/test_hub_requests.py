"""huggingface_hub's token is sent to one scheme, host and port, regardless of the address in a response."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from huggingface_hub import configure_http_backend
from huggingface_hub.utils import _http, get_session
from requests.adapters import BaseAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from spacy_lambda.core.location import parse_location
from spacy_lambda.errors import StoreError
from spacy_lambda.store.factory import list_versions, open_store
from spacy_lambda.store.hub.hub_store import HubOptions
from spacy_lambda.store.hub.session import guarded_requests
from spacy_lambda.store.transfer import push as push_pipeline
from tests.store.hub_server import TOKEN, Hub

# huggingface_hub leaves the connections of its threads to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

REPOSITORY = parse_location("hf://acme/metals")
HUB = "https://huggingface.co"
BEARER = f"Bearer {TOKEN}"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
OTHERS = (
    "https://cdn.huggingface.co/x",
    "https://huggingface.co:8443/x",
    "https://huggingface.co.evil.org/x",
    "https://huggingface.com/x",
    "https://evil.org/huggingface.co",
)
REFUSED = (
    *("http://huggingface.co/x", "HTTP://evil.org/x", "http://huggingface.co:443/x", "https://me:pw@huggingface.co/x"),
    *("ftp://huggingface.co/x", "file:///etc/passwd"),
)


class Wire(BaseAdapter):
    """Keeps the requests, and responds with redirects, then with an empty list."""

    def __init__(self, *targets: str, status: int = 307) -> None:
        super().__init__()
        self.targets, self.status = list(targets), status
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        self.sent.append(request.copy())
        response = requests.Response()
        response.url, response.request, response.raw = str(request.url), request, io.BytesIO(b"[]")
        response.status_code = 200
        if self.targets:
            response.status_code = self.status
            response.headers["Location"] = self.targets.pop(0)
        return response

    def close(self) -> None:
        pass

    def factory(self) -> requests.Session:
        session = requests.Session()
        for scheme in ("https://", "http://", "ftp://", "file://"):
            session.mount(scheme, self)
        return session


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Wire], Wire]]:
    """Let huggingface_hub send through it, as a user may have set it up."""

    monkeypatch.setenv("HF_TOKEN", TOKEN)

    def using(wire: Wire) -> Wire:
        configure_http_backend(wire.factory)
        return wire

    yield using
    configure_http_backend()


def secrets(request: requests.PreparedRequest) -> list[str]:
    return [name for name in request.headers if TOKEN in str(request.headers[name]) or name.title() == "Cookie"]


@pytest.mark.parametrize("method", METHODS)
def test_requests_to_the_endpoint_have_the_token(method: str, use: Callable[[Wire], Wire]) -> None:
    wire = use(Wire("/renamed", "https://HUGGINGFACE.co:443/again"))
    with guarded_requests(HUB):
        get_session().request(method, f"{HUB}/api", headers={"Authorization": BEARER}, allow_redirects=True)
    assert [secrets(one) for one in wire.sent] == [["Authorization"]] * 3


@pytest.mark.parametrize("url", OTHERS)
@pytest.mark.parametrize("method", METHODS)
def test_requests_elsewhere_have_none(method: str, url: str, use: Callable[[Wire], Wire]) -> None:
    headers = {"authorization": BEARER, "X-Token": TOKEN, "cookie": "token=1", "X-Plain": "1"}
    wire = use(Wire())
    with guarded_requests(HUB):
        get_session().request(method, url, headers=headers)
    (sent,) = wire.sent
    assert secrets(sent) == []
    assert sent.headers["X-Plain"] == "1"


@pytest.mark.parametrize("url", OTHERS)
@pytest.mark.parametrize("method", METHODS)
def test_redirects_elsewhere_have_none(method: str, url: str, use: Callable[[Wire], Wire]) -> None:
    headers = {"Authorization": BEARER, "X-Token": TOKEN, "Cookie": "token=1"}
    found = {}
    for status in (301, 302, 303, 307, 308):
        wire = use(Wire(url, status=status))
        with guarded_requests(HUB):
            get_session().request(method, f"{HUB}/api", headers=headers, allow_redirects=True)
        found[status] = [secrets(one) for one in wire.sent[1:]]
    assert found == {status: [[]] for status in found}


def test_http_that_becomes_https_is_another_origin(use: Callable[[Wire], Wire]) -> None:
    """requests itself lets the token follow there."""
    wire = use(Wire("https://hub.local/x"))
    with guarded_requests("http://hub.local"):
        get_session().get("http://hub.local/api", headers={"Authorization": BEARER})
    assert [secrets(one) for one in wire.sent] == [["Authorization"], []]


@pytest.mark.parametrize("url", REFUSED)
@pytest.mark.parametrize("method", METHODS)
def test_refused_requests(method: str, url: str, use: Callable[[Wire], Wire]) -> None:
    for first, targets, sent in ((url, [], 0), (f"{HUB}/api", [url], 1)):
        wire = use(Wire(*targets))
        with guarded_requests(HUB), pytest.raises(StoreError, match="refused") as caught:
            get_session().request(method, first, headers={"Authorization": BEARER}, allow_redirects=True)
        assert len(wire.sent) == sent
        assert TOKEN not in str(caught.value)
        assert ":pw" not in str(caught.value)


def test_from_https_elsewhere_nothing_follows_to_http(use: Callable[[Wire], Wire]) -> None:
    wire = use(Wire("http://cdn.local/x"))
    with guarded_requests("http://hub.local"), pytest.raises(StoreError, match=r"redirects to 'http://cdn\.local/x'"):
        get_session().put("https://cdn.local/x?Signature=secret", data=b"x")
    assert len(wire.sent) == 1


def test_redirects_end(use: Callable[[Wire], Wire]) -> None:
    wire = use(Wire(*["/again"] * 100))
    with guarded_requests(HUB), pytest.raises(requests.TooManyRedirects):
        get_session().get(f"{HUB}/api")
    assert len(wire.sent) == 6


def test_credentials_from_elsewhere(use: Callable[[Wire], Wire], tmp_path: Path, monkeypatch: Any) -> None:
    """A user's ``.netrc`` and a session's cookies, which know no port."""
    (tmp_path / "netrc").write_text("default login me password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    wire = use(Wire())
    with guarded_requests(HUB):
        get_session().cookies.set("session", "1", domain="huggingface.co")
        get_session().put("https://huggingface.co:8443/x", data=b"x")
    assert not {"Authorization", "Cookie"} & set(wire.sent[0].headers)


# What stays as it was.


def test_configured_only_while_it_works(use: Callable[[Wire], Wire]) -> None:
    wire = use(Wire())
    before = get_session()
    with guarded_requests(HUB), guarded_requests(HUB):
        assert get_session() is not before
    assert wire.factory == _http._GLOBAL_BACKEND_FACTORY
    with pytest.raises(KeyError), guarded_requests(HUB):
        raise KeyError
    get_session().get("https://evil.org/x", headers={"Authorization": BEARER})
    assert secrets(wire.sent[0]) == ["Authorization"]


def test_a_session_that_others_have_too_is_left_alone(use: Callable[[Wire], Wire]) -> None:
    session = use(Wire()).factory()
    adapters = dict(session.adapters)
    configure_http_backend(lambda: session)
    with guarded_requests(HUB):
        assert type(get_session()) is type(session)
    assert (dict(session.adapters), session.max_redirects) == (adapters, 30)


def test_a_configuration_that_is_changed_meanwhile_stays(use: Callable[[Wire], Wire]) -> None:
    other = Wire()
    with guarded_requests(HUB):
        use(other)
    assert other.factory == _http._GLOBAL_BACKEND_FACTORY


def test_two_stores_do_not_undo_each_other(use: Callable[[Wire], Wire]) -> None:
    wire, order = use(Wire()), list[str]()

    def second() -> None:
        with guarded_requests("https://hub.local"):
            order.append("second")

    thread = Thread(target=second)
    with guarded_requests(HUB):
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert wire.factory == _http._GLOBAL_BACKEND_FACTORY


# The whole way, with answers of a Hub that leads elsewhere.


class Elsewhere(Hub):
    """Another origin: keeps the requests, and takes uploads for the Hub."""

    def app(self) -> Starlette:
        receive = Route("/lfs/{oid}", self.receive, methods=["PUT"])
        return Starlette(routes=[receive, Route("/{path:path}", self.any, methods=[*METHODS])])

    async def receive(self, request: Request) -> Response:
        self.received.append((request.url.path, None, request.headers.get("authorization")))
        return await super().receive(request)

    async def any(self, request: Request) -> Response:
        self.received.append((request.url.path, None, request.headers.get("authorization")))
        return JSONResponse([])


class Leading(Hub):
    """A Hub whose answers lead elsewhere, in one of several ways."""

    way, other, refuses = "", "", 0

    async def batch(self, request: Request) -> Response:
        batch = json.loads(bytes((await super().batch(request)).body))
        for one in batch["objects"]:
            actions = one.get("actions", {})
            if actions and self.way == "verify":
                actions["verify"] = {"href": f"{self.other}/verify", "header": {}}
            elif actions and self.way in ("upload", "user-name"):
                base = self.other.replace("//", "//me:pw@") if self.way == "user-name" else self.other
                actions["upload"]["href"] = f"{base}/lfs/{one['oid']}"
        return JSONResponse(batch, headers={"content-type": "application/vnd.git-lfs+json"})

    async def tree(self, request: Request) -> Response:
        answer = await super().tree(request)
        if self.way == "page":
            answer.headers["link"] = f'<{self.other}/next>; rel="next"'
        return answer

    async def list_refs(self, request: Request) -> Response:
        if self.way == "redirect":
            return RedirectResponse(f"{self.other}/refs")
        return await super().list_refs(request)

    async def receive(self, request: Request) -> Response:
        if self.refuses:
            return Response(status_code=self.refuses)
        if self.way == "put-redirect":
            return RedirectResponse(f"{self.other}{request.url.path}")
        return await super().receive(request)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    hub = Elsewhere(f"http://127.0.0.1:{port}")
    with hub.running():
        yield hub


@pytest.fixture
def leading(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leading]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub = Leading(os.environ["HF_ENDPOINT"])
    hub.other, hub.objects = elsewhere.url, elsewhere.objects
    with hub.running():
        yield hub


def push(pipeline: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "en_metals-1.2.3-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    push_pipeline(str(pipeline), open_store(REPOSITORY, hub=HubOptions(wheel=wheel)))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("way", ["verify", "page", "upload", "put-redirect"])
def test_a_push_that_leads_elsewhere(
    way: str, host: str, leading: Leading, elsewhere: Elsewhere, pipeline: Path, tmp_path: Path
) -> None:
    leading.way, leading.other = way, elsewhere.url.replace("127.0.0.1", host)
    push(pipeline, tmp_path)
    assert elsewhere.received
    assert {token for _, _, token in elsewhere.received} == {None}
    assert [one.version for one in list_versions(REPOSITORY)] == ["1.2.3"]


def test_a_listing_that_leads_elsewhere(leading: Leading, elsewhere: Elsewhere, pipeline: Path, tmp_path: Path) -> None:
    push(pipeline, tmp_path)
    leading.way = "redirect"
    with pytest.raises(StoreError, match="invalid response from the Hub"):
        list_versions(REPOSITORY)
    assert [(path, token) for path, _, token in elsewhere.received] == [("/refs", None)]


@pytest.mark.parametrize("status", [403, 400])
def test_an_upload_that_is_refused(status: int, leading: Leading, pipeline: Path, tmp_path: Path) -> None:
    """The refusal happens in a thread of huggingface_hub's, which wraps the error."""
    leading.refuses = status
    with pytest.raises(StoreError, match="the Hub refuses"):
        push(pipeline, tmp_path)


def test_an_upload_to_a_user_name(leading: Leading, elsewhere: Elsewhere, pipeline: Path, tmp_path: Path) -> None:
    leading.way = "user-name"
    with pytest.raises(StoreError, match="is refused") as caught:
        push(pipeline, tmp_path)
    assert ":pw" not in str(caught.value)
    assert elsewhere.received == []
