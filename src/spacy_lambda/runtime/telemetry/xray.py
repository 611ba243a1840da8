"""A part of the work -> a subsegment of the request's trace, for requests that X-Ray samples.

Lambda traces the function itself (``TracingConfig: Active``); this adds what happened inside. It is a datagram to the
daemon next to the function: https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html. Nothing is sent
where tracing is off, or a request is not sampled.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from spacy_lambda.core.env_names import TRACE_ID_VARIABLE

__all__ = ["send_subsegment"]

DAEMON_VARIABLE = "AWS_XRAY_DAEMON_ADDRESS"
_HEADER = b'{"format":"json","version":1}\n'


def send_subsegment(
    name: str,
    *,
    start_s: float,
    end_s: float,
    annotations: Mapping[str, str | int | float | bool],
    is_fault: bool,
    environ: Mapping[str, str],
) -> None:
    """Send a subsegment to X-Ray. Never fails, and never waits.

    :param start_s: Its start, in seconds since the epoch.
    :param end_s: Its end, in the same form.
    :param annotations: The keys by which traces can be searched.
    """
    trace = dict(part.split("=", 1) for part in environ.get(TRACE_ID_VARIABLE, "").split(";") if "=" in part)
    address = environ.get(DAEMON_VARIABLE, "")
    if trace.get("Sampled") != "1" or not (address and trace.get("Root") and trace.get("Parent")):
        return
    document: dict[str, Any] = {
        "id": secrets.token_hex(8),
        "trace_id": trace["Root"],
        "parent_id": trace["Parent"],
        "type": "subsegment",
        "name": name,
        "start_time": start_s,
        "end_time": end_s,
        "annotations": dict(annotations),
    }
    if is_fault:
        document["fault"] = True
    host, _, port = address.rpartition(":")
    with suppress(OSError, ValueError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        udp.sendto(_HEADER + json.dumps(document).encode(), (host, int(port)))
