"""Connections that send nothing, on a system with few open files."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from spacy_lambda.local.connections import max_connections

SERVER = """
import asyncio, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from starlette.responses import PlainTextResponse
from spacy_lambda.local.http_server import HttpServer

async def main():
    server = HttpServer(PlainTextResponse("here"))
    await server.start()
    print(server.port, flush=True)
    for _ in iter(lambda: asyncio.to_thread(sys.stdin.readline), ""):
        await (await asyncio.create_subprocess_exec("true")).wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"])
def test_half_open_connections(sent: bytes) -> None:
    """300 of them, and the server goes on answering, and can start processes."""
    with (
        subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server,
        ExitStack() as opened,
    ):
        assert server.stdout is not None
        try:
            address = "127.0.0.1", int(server.stdout.readline())
            for _ in range(300):
                connection = opened.enter_context(socket.create_connection(address, timeout=30))
                connection.sendall(sent)
            for _ in range(3):
                with socket.create_connection(address, timeout=30) as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    response = b""
                    while chunk := connection.recv(4096):
                        response += chunk
                assert response.endswith(b"here")
            assert server.poll() is None
            assert len([*Path(f"/proc/{server.pid}/fd").iterdir()]) < 200 or sys.platform != "linux"
        finally:
            server.kill()


def test_the_limit_follows_the_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, expected in {256: 128, 8: 16, 10**6: 1024, resource.RLIM_INFINITY: 1024}.items():
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert max_connections() == expected
