"""An emulator of AWS on this machine: moto behind HTTP, whose functions run the code that was deployed.

Whoever could send requests to it could deploy code, and have it run here. It listens on a loopback address, and accepts
requests only with its own key: web pages and other users of this machine do not know it.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from spacy_lambda.rehearsal.deployed_code import DeployedCode, FindCodeUrl, OnLog, RunCode
from spacy_lambda.rehearsal.emulator_access import Access, new_access, proof_of, using
from spacy_lambda.rehearsal.function_urls import PREFIX, function_url, pass_on

__all__ = ["ACCOUNT", "Emulator", "emulated_aws", "log_to_emulator"]

ACCOUNT = "123456789012"
"""The account that is emulated if the project names none."""

CREDENTIAL = re.compile(r"\bCredential=([A-Z0-9]{16,128})(?:/|%2F)")

StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True)
class Emulator:
    """An emulator that is running.

    :param access: Its address and its key.
    :param faults: What it has failed to do so far, one line each.
    """

    access: Access
    faults: list[str] = field(default_factory=list)


@contextmanager
def emulated_aws(
    run: RunCode,
    *,
    region: str,
    account: str = ACCOUNT,
    registry: str | None = None,
    find_url: FindCodeUrl | None = None,
) -> Iterator[Emulator]:
    """Start an emulator, empty, which this process and its children then use in place of AWS.

    :param run: Runs the code of functions.
    :param region: The region of the project.
    :param registry: A registry for images, ``HOST:PORT``: the emulated one has an API, and stores none.
    :param find_url: Returns the URL of a version's local Lambda; ``None``: Function URLs lead nowhere.
    """
    from werkzeug.serving import make_server

    from spacy_lambda.rehearsal.moto_changes import changed_moto, issued_keys, live_code, make_app, reset

    for name in ("moto", "werkzeug"):  # each request, and whatever is not emulated
        logging.getLogger(name).setLevel(logging.CRITICAL)

    def url_of(function: str) -> str:
        return function_url(emulator.access.endpoint, function)

    def find(function: str) -> str | None:
        code = live_code(account, region, function)
        return None if code is None or find_url is None else find_url(code)

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(PREFIX):
            return pass_on(environ, start_response, find)
        return _respond(emulator, app, issued_keys(), environ, start_response)

    with warnings.catch_warnings(), changed_moto(run, registry=registry, url_of=url_of if find_url else None):
        warnings.filterwarnings("ignore", category=UserWarning)  # of moto, about what it ignores
        reset()
        app: WsgiApp = make_app()
        server = make_server("127.0.0.1", 0, serve, threaded=True)
        # Its port is known now, and nothing is served yet.
        emulator = Emulator(new_access(server.server_port, account=account, region=region))
        thread = threading.Thread(target=server.serve_forever, name="emulator", daemon=True)
        thread.start()
        try:
            with using(emulator.access):
                yield emulator
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _respond(
    emulator: Emulator, app: WsgiApp, issued: Iterable[str], environ: dict[str, Any], start_response: StartResponse
) -> Iterable[bytes]:
    """Respond to a request to AWS: to the challenge of another command, and to what is signed with a key of this one.

    :param app: moto.
    :param issued: Keys of roles that were assumed, in addition to the emulator's.
    """
    proof = proof_of(emulator.access, environ["PATH_INFO"])
    if proof is not None:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [proof.encode()]
    if not _is_signed(environ, {emulator.access.access_key, *issued}):
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"the credentials of this request are not those of the rehearsal\n"]
    try:
        return app(environ, start_response)
    except Exception as exc:  # a fault of moto, or an operation that it lacks
        emulator.faults.append(f"{type(exc).__name__}: {exc}")
        start_response("501 Not Implemented", [("Content-Type", "text/plain")])
        return [emulator.faults[-1].encode()]


def log_to_emulator(account: str, region: str) -> OnLog:
    """Return a function that writes log lines of functions to their log groups."""

    def write(code: DeployedCode, number: int, line: str) -> None:
        from spacy_lambda.rehearsal.moto_changes import write_log

        write_log(account, region, code, number, line)

    return write


def _is_signed(environ: dict[str, Any], keys: set[str]) -> bool:
    """Return whether a request names one of these keys, in its header or in its query."""
    shown = f"{environ.get('HTTP_AUTHORIZATION', '')} {environ.get('QUERY_STRING', '').replace('X-Amz-', '')}"
    found = CREDENTIAL.search(shown)
    return found is not None and found[1] in keys
