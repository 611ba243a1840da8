"""HTTP servers in this process that call a function as AWS's gateways in front of it do, in a thread."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.predictor import Predictor

__all__ = ["GATEWAYS", "serve_behind"]

Call = dict[str, Any]
"""Method, path, headers and body of an HTTP call."""


def rest_api(call: Call) -> Call:
    """A REST API with the stage ``prod`` and the resource ``/ner/{proxy+}``."""
    path = call["path"].removeprefix("/prod")
    own = path.removeprefix("/ner").strip("/")
    return {
        "resource": "/ner/{proxy+}" if own else "/ner",
        "path": path,
        "pathParameters": {"proxy": own} if own else None,
        "httpMethod": call["method"],
        "headers": call["headers"],
        "requestContext": {"stage": "prod", "path": call["path"]},
        "body": call["body"],
    }


def http_api(call: Call) -> Call:
    """An HTTP API with a custom domain's mapping to ``papers`` and the routes ``/`` and ``/{proxy+}``."""
    own = call["path"].removeprefix("/papers").strip("/")
    return {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}" if own else "ANY /",
        "rawPath": call["path"],
        "pathParameters": {"proxy": own} if own else {},
        "headers": call["headers"],
        "requestContext": {"http": {"method": call["method"]}, "stage": "$default"},
        "body": call["body"],
    }


def load_balancer(call: Call) -> Call:
    """An Application Load Balancer with a rule for ``/ner*``."""
    return {
        "httpMethod": call["method"],
        "path": call["path"],
        "headers": call["headers"],
        "requestContext": {"elb": {}},
        "body": call["body"],
    }


GATEWAYS: dict[str, tuple[Callable[[Call], Call], str, str]] = {
    "REST API": (rest_api, "/prod/ner", ""),
    "HTTP API": (http_api, "/papers", ""),
    "load balancer": (load_balancer, "/ner", "/ner"),
}
"""By name: call -> event, the base path, and ``SPACY_LAMBDA_BASE_PATH``."""


@contextmanager
def serve_behind(make_event: Callable[[Call], Call], function: Predictor) -> Iterator[str]:
    """Serve a function on a free port of this machine; yields the URL without a path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            event = make_event({"method": self.command, "path": self.path, "headers": headers, "body": body})
            answer = dispatch(event, None, function)
            # As a REST API without binaryMediaTypes, which passes base64 on.
            decodes = answer["isBase64Encoded"] and "resource" not in event
            content = base64.b64decode(answer["body"]) if decodes else answer["body"].encode()
            self.send_response(answer["statusCode"])
            multiple = answer.get("multiValueHeaders", {})
            for name, value in {
                **answer.get("headers", {}),
                **{name: one[0] for name, one in multiple.items()},
            }.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
