"""A worker process: documents on standard input, results on standard output.

A process of any parent, a script or a notebook, can start workers: nothing of its own is imported in them, as
:mod:`multiprocessing` would.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from spacy_lambda.core.annotation import AnnotateOptions
from spacy_lambda.corpus.engines.messages import receive, send

__all__: list[str] = []

PR_SET_PDEATHSIG = 1

PARENT_CHECK_MS = 1000
"""Milliseconds between checks that the parent is alive; the end of standard input shows it at once."""


def main() -> None:
    """Annotate batches of documents until standard input ends."""
    # The parent ends the workers itself: Ctrl-C may reach all processes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, output = _private_streams()
    _end_with_parent(source)
    first = receive(source)
    if first is None:
        return
    from spacy_lambda.corpus.annotator import Annotator
    from spacy_lambda.errors import SpacyLambdaError

    settings, _ = first
    try:
        annotator = Annotator.of(Path(settings["pipeline"]), AnnotateOptions.from_dict(settings["options"]))
        annotator.load()
        send(output, {"kind": "ready"})
        while (message := receive(source)) is not None:
            header, (lines,) = message
            result = annotator.annotate_shard(header["name"], lines)
            done = {"kind": "done", "counts": result.counts.to_dict(), "seconds": result.seconds}
            send(output, done, result.lines, result.errors)
    except SpacyLambdaError as exc:
        send(output, {"kind": "error", "message": exc.message, "remedy": exc.remedy})
    except BrokenPipeError:  # the parent has ended: nobody waits for the result
        os._exit(1)


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes of the messages, moved to where neither the pipeline nor processes that it starts have them.

    What the pipeline prints goes to standard error. A forked child gets ``/dev/null`` in place of both pipes.
    """
    pipes = [os.dup(0), os.dup(1)]
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)

    def replace() -> None:
        for pipe in pipes:
            os.dup2(null, pipe, inheritable=False)

    os.register_at_fork(after_in_child=replace)
    return os.fdopen(pipes[0], "rb"), os.fdopen(pipes[1], "wb")


def _end_with_parent(source: BinaryIO) -> None:
    """End this process and its children as soon as the parent ends, even if it is killed.

    On Linux, a signal ends this process even while native code does not let the thread run. It is sent when the thread
    of the parent ends that has started this process, which must therefore be the one that uses it.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    threading.Thread(target=_watch, args=(source.fileno(), os.getppid()), daemon=True).start()


def _watch(source: int, parent: int) -> None:
    closed = select.poll()
    closed.register(source, 0)
    while os.getppid() == parent and not closed.poll(PARENT_CHECK_MS):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
