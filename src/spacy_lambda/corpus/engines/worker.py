"""A worker process: shards on standard input, results on standard output.

A message is a line of JSON with the length of the bytes that follow it. So a process of any parent, a script or a
notebook, can start workers: nothing of its own is imported in them, as :mod:`multiprocessing` would.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from spacy_lambda.core.annotation import AnnotateOptions, Counts

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
    contents = [stream.read(length) for length in header.pop("lengths")]
    complete = all(
        len(content) == length for content, length in zip(contents, json.loads(line)["lengths"], strict=True)
    )
    return (header, contents) if complete else None


def main() -> None:
    """Annotate shards until standard input ends."""
    # The parent ends the workers itself: Ctrl-C reaches the whole group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the pipeline prints must not get between the messages.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = sys.stdin.buffer
    first = receive(source)
    if first is None:
        return
    from spacy_lambda.corpus.annotator import Annotator
    from spacy_lambda.errors import SpacyLambdaError

    settings, _ = first
    try:
        annotator = Annotator.of(Path(settings["pipeline"]), AnnotateOptions.from_dict(settings["options"]))
        send(output, {"kind": "ready"})
        while (message := receive(source)) is not None:
            header, (lines,) = message
            result = annotator.annotate_shard(header["name"], lines, lambda counts: _report(output, counts))
            done = {"kind": "done", "counts": result.counts.to_dict(), "seconds": result.seconds}
            send(output, done, result.lines, result.errors)
    except SpacyLambdaError as exc:
        send(output, {"kind": "error", "message": exc.message, "remedy": exc.remedy})
    except BrokenPipeError:  # the parent was killed: nobody waits for the result
        os._exit(1)


def _report(output: BinaryIO, counts: Counts) -> None:
    send(output, {"kind": "documents", "counts": counts.to_dict()})


if __name__ == "__main__":
    main()
