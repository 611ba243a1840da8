"""Messages between the engine and its worker processes.

A message is a line of JSON with the lengths of the bytes that follow it.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

__all__ = ["receive", "send"]


def send(stream: BinaryIO, header: dict[str, Any], *contents: bytes) -> None:
    """Write a message.

    :param contents: What follows the header.
    """
    line = json.dumps({**header, "lengths": [len(content) for content in contents]})
    stream.write(line.encode() + b"\n")
    for content in contents:
        stream.write(content)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], list[bytes]] | None:
    """Read a message; ``None`` if the other side has ended."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    header = json.loads(line)
    lengths = header.pop("lengths")
    contents = [stream.read(length) for length in lengths]
    complete = all(len(content) == length for content, length in zip(contents, lengths, strict=True))
    return (header, contents) if complete else None
