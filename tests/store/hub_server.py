"""A fake of the Hugging Face Hub: the endpoints that huggingface_hub uses, on loopback, with commits and LFS."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "hf_right"
LFS_FROM = 50_000
"""Bytes from which a file is uploaded through LFS."""


@dataclass
class Repository:
    """Branches and tags by name, each a commit; and the files of each commit."""

    private: bool
    refs: dict[str, str] = field(default_factory=lambda: {"main": "0" * 40})
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"0" * 40: {}})
    messages: list[str] = field(default_factory=list)

    def commit_of(self, revision: str) -> str | None:
        found = self.refs.get(revision) or self.tags.get(revision)
        return found or (revision if revision in self.commits else None)


class Hub:
    """The server's state, and its address while it runs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.lfs: set[str] = set()
        self.requests: list[str] = []
        self.break_after: int | None = None
        self.busy = 0
        self.overridden, self.override = False, None
        self.token_at_cdn: list[str | None] = []
        self.inference: tuple[int, Any, dict[str, str]] = (200, [], {})
        self.received: list[tuple[str, Any, str | None]] = []

    @contextmanager
    def running(self) -> Iterator[Hub]:
        """Serve until the context ends."""
        port = int(self.url.rpartition(":")[2])
        config = uvicorn.Config(self.app(), host="127.0.0.1", port=port, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.01)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join()

    def app(self) -> Starlette:
        model = "/api/models/{owner}/{name}"
        return Starlette(
            routes=[
                Route("/api/repos/create", self.create, methods=["POST"]),
                Route("/api/validate-yaml", self.validate, methods=["POST"]),
                Route(f"{model}/refs", self.list_refs),
                Route(f"{model}/branch/{{branch}}", self.branch, methods=["POST"]),
                Route(f"{model}/tag/{{revision}}", self.tag, methods=["POST", "DELETE"]),
                Route(f"{model}/preupload/{{revision}}", self.preupload, methods=["POST"]),
                Route(f"{model}/commit/{{revision}}", self.commit, methods=["POST"]),
                Route(f"{model}/tree/{{revision}}", self.tree),
                Route(f"{model}/revision/{{revision}}", self.info),
                Route(model, self.info),
                Route("/{owner}/{name}.git/info/lfs/objects/batch", self.batch, methods=["POST"]),
                Route("/lfs/{oid}", self.receive, methods=["PUT"]),
                Route("/cdn/{oid}", self.cdn),
                Route("/{owner}/{name}/resolve/{revision}/{path:path}", self.resolve, methods=["GET", "HEAD"]),
                Route("/inference/models/{owner}/{name}", self.infer, methods=["POST"]),
            ]
        )

    def find(self, request: Request, *, write: bool = False) -> tuple[str, Repository | None, Response | None]:
        """Return the requested repository, or the reason why it is unavailable."""
        self.requests.append(f"{request.method} {request.url.path}")
        name = f"{request.path_params['owner']}/{request.path_params['name']}"
        repository = self.repositories.get(name)
        allowed = request.headers.get("authorization") == f"Bearer {TOKEN}"
        if (repository is None or repository.private or write) and not allowed:
            return name, None, error(401, "RepoNotFound" if repository is None else "GatedRepo", "Invalid credentials")
        if repository is None:
            return name, None, error(404, "RepoNotFound", "Repository not found")
        return name, repository, None

    async def create(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "", "Invalid username or password.")
        body = await request.json()
        name = f"{body.get('organization') or 'someone'}/{body['name']}"
        if name in self.repositories:
            return JSONResponse({"error": "exists", "url": f"{self.url}/{name}"}, 409)
        self.repositories[name] = Repository(bool(body.get("private")))
        return JSONResponse({"url": f"{self.url}/{name}"})

    async def validate(self, request: Request) -> Response:
        return JSONResponse({"errors": [], "warnings": []})

    async def list_refs(self, request: Request) -> Response:
        _, repository, refused = self.find(request)
        if repository is None:
            return refused or Response(status_code=500)
        refs = [("branches", "heads", repository.refs), ("tags", "tags", repository.tags)]
        return JSONResponse(
            {
                key: [{"name": n, "ref": f"refs/{kind}/{n}", "targetCommit": c} for n, c in found.items()]
                for key, kind, found in refs
            }
            | {"converts": []}
        )

    async def branch(self, request: Request) -> Response:
        _, repository, refused = self.find(request, write=True)
        if repository is None:
            return refused or Response(status_code=500)
        name = request.path_params["branch"]
        if name in repository.refs:
            return error(409, "", "exists")
        repository.refs[name] = repository.refs["main"]
        return JSONResponse({})

    async def tag(self, request: Request) -> Response:
        _, repository, refused = self.find(request, write=True)
        if repository is None:
            return refused or Response(status_code=500)
        if request.method == "DELETE":
            del repository.tags[request.path_params["revision"]]
            return JSONResponse({})
        tag = (await request.json())["tag"]
        commit = repository.commit_of(request.path_params["revision"])
        if tag in repository.tags or commit is None:
            return error(409, "", "tag exists")
        repository.tags[tag] = commit
        return JSONResponse({})

    async def preupload(self, request: Request) -> Response:
        _, repository, refused = self.find(request, write=True)
        if repository is None:
            return refused or Response(status_code=500)
        files = (await request.json())["files"]
        modes = ["lfs" if file["size"] >= LFS_FROM else "regular" for file in files]
        return JSONResponse(
            {
                "files": [
                    {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
                    for file, mode in zip(files, modes, strict=True)
                ]
            }
        )

    async def batch(self, request: Request) -> Response:
        objects = (await request.json())["objects"]
        answers = [
            {"oid": one["oid"], "size": one["size"]}
            | (
                {}
                if one["oid"] in self.objects
                else {"actions": {"upload": {"href": f"{self.url}/lfs/{one['oid']}", "header": {}}}}
            )
            for one in objects
        ]
        return JSONResponse(
            {"transfer": "basic", "objects": answers}, headers={"content-type": "application/vnd.git-lfs+json"}
        )

    async def receive(self, request: Request) -> Response:
        data = await request.body()
        if hashlib.sha256(data).hexdigest() != request.path_params["oid"]:
            return Response(status_code=400)
        self.objects[request.path_params["oid"]] = data
        return Response(status_code=200)

    async def commit(self, request: Request) -> Response:
        name, repository, refused = self.find(request, write=True)
        if repository is None:
            return refused or Response(status_code=500)
        revision = request.path_params["revision"]
        files = dict(repository.commits[repository.refs[revision]])
        for line in (await request.body()).splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                repository.messages.append(value["summary"])
            elif entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = self.objects[value["oid"]]
                self.lfs.add(value["oid"])
            elif entry["key"] == "deletedFile":
                del files[value["path"]]
        oid = hashlib.sha1(repr((len(repository.commits), sorted(files))).encode()).hexdigest()
        repository.commits[oid] = files
        repository.refs[revision] = oid
        return JSONResponse({"success": True, "commitOid": oid, "commitUrl": f"{self.url}/{name}/commit/{oid}"})

    async def info(self, request: Request) -> Response:
        name, repository, refused = self.find(request)
        if repository is None:
            return refused or Response(status_code=500)
        if self.overridden:
            return JSONResponse(self.override)
        commit = repository.commit_of(request.path_params.get("revision", "main"))
        if commit is None:
            return error(404, "RevisionNotFound", "Invalid rev id")
        siblings = [{"rfilename": path, "size": len(data)} for path, data in sorted(repository.commits[commit].items())]
        return JSONResponse(
            {"id": name, "modelId": name, "sha": commit, "private": repository.private, "tags": [], "downloads": 0}
            | {"siblings": siblings}
        )

    async def tree(self, request: Request) -> Response:
        _, repository, refused = self.find(request)
        if repository is None:
            return refused or Response(status_code=500)
        commit = repository.commit_of(request.path_params["revision"])
        if commit is None:
            return error(404, "RevisionNotFound", "Invalid rev id")
        entries = []
        for path, data in sorted(repository.commits[commit].items()):
            oid = hashlib.sha256(data).hexdigest()
            entries.append({"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()})
            if oid in self.lfs:
                entries[-1]["lfs"] = {"oid": oid, "size": len(data), "pointerSize": 130}
        return JSONResponse(entries)

    async def resolve(self, request: Request) -> Response:
        if self.busy:
            self.busy -= 1
            return Response(status_code=503)
        _, repository, refused = self.find(request)
        if repository is None:
            return refused or Response(status_code=500)
        commit = repository.commit_of(request.path_params["revision"])
        if commit is None:
            return error(404, "RevisionNotFound", "Invalid rev id")
        data = repository.commits[commit].get(request.path_params["path"])
        if data is None:
            return error(404, "EntryNotFound", "Entry not found", commit)
        oid = hashlib.sha256(data).hexdigest()
        if oid in self.lfs:
            port = self.url.rpartition(":")[2]
            # Another host, as the Hub's content delivery network is.
            location = f"http://localhost:{port}/cdn/{oid}"
            linked = {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(data)), "X-Repo-Commit": commit}
            return Response(status_code=302, headers={"Location": location, **linked})
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": commit}
        return Response(data, headers=headers, media_type="application/octet-stream")

    async def cdn(self, request: Request) -> Response:
        self.token_at_cdn.append(request.headers.get("authorization"))
        data = self.objects[request.path_params["oid"]]
        start = int(request.headers.get("range", "bytes=0-")[6:].rstrip("-").partition("-")[0] or 0)
        status = 206 if "range" in request.headers else 200
        rest = data[start:]
        headers = {"ETag": f'"{request.path_params["oid"]}"', "Content-Length": str(len(rest))}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if self.break_after is not None and len(rest) > self.break_after:
            return Broken(rest[: self.break_after], status, headers)
        return Response(rest, status, headers)

    async def infer(self, request: Request) -> Response:
        name = f"{request.path_params['owner']}/{request.path_params['name']}"
        self.received.append((name, await request.json(), request.headers.get("authorization")))
        status, body, headers = self.inference
        return JSONResponse(body, status, headers)


class Broken(Response):
    """Announces more bytes than it sends, and then closes the connection."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        raise ConnectionError("cut off on purpose")


def error(status: int, code: str, message: str, commit: str | None = None) -> Response:
    headers = {"X-Error-Code": code, "X-Error-Message": message} if code else {}
    if commit is not None:
        headers["X-Repo-Commit"] = commit
    return JSONResponse({"error": message}, status, headers)
