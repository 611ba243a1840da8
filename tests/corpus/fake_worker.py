"""A worker process without spaCy: the program itself, with an annotator whose texts are commands.

Run as a program: ``python fake_worker.py``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import types
from pathlib import Path
from typing import Any

from spacy_lambda.core.annotation import AnnotateOptions, Counts, encode_line, read_documents
from spacy_lambda.corpus.engines import worker
from spacy_lambda.corpus.engines.protocol import ShardResult

__all__ = ["FakeAnnotator"]


def act(text: str, folder: Path) -> None:
    """Do what a text says."""
    if text.startswith("exit "):
        os._exit(int(text.split()[1]))
    if text.startswith("signal "):
        os.kill(os.getpid(), signal.Signals[text.split()[1]])
    if text == "once" and not (folder / "once").exists():
        (folder / "once").touch()
        os._exit(4)
    if text == "fork":
        child = os.fork()
        if child == 0:
            (folder / f"child-{os.getpid()}").touch()
            time.sleep(600)
        while not (folder / f"child-{child}").exists():
            time.sleep(0.01)
    if text.startswith("meet "):
        (folder / text).touch()
        while len(list(folder.glob("meet *"))) < 2:
            time.sleep(0.01)
    if text == "wait":
        (folder / "waiting").write_text(str(os.getpid()), encoding="ascii")
        time.sleep(600)


class FakeAnnotator:
    """Annotates texts by doing what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, pipeline: Path, options: AnnotateOptions) -> FakeAnnotator:
        return cls(pipeline)

    def load(self) -> None:
        if (self.folder / "does-not-load").exists():
            os._exit(7)

    def annotate_shard(self, name: str, lines: bytes) -> ShardResult:
        documents = list(read_documents(lines.splitlines()))
        found: dict[bool, list[bytes]] = {False: [], True: []}
        counts = Counts(documents=len(documents))
        if sum(len(document.text) for document in documents) > 100 and len(documents) > 1:
            os.kill(os.getpid(), signal.SIGKILL)
        for document in documents:
            values: dict[str, Any] = {"id": document.id, "text": document.text, "batch": len(documents)}
            if document.error is not None:
                values = {"id": document.id, "file": document.file, "number": document.number}
                values["error"] = dict(document.error)
                counts.errors += 1
            else:
                act(document.text, self.folder)
            found[document.error is not None].append(encode_line(values))
        return ShardResult(name, b"".join(found[False]), b"".join(found[True]), counts, 0.0)


if __name__ == "__main__":
    module: Any = types.ModuleType("spacy_lambda.corpus.annotator")
    module.Annotator = FakeAnnotator
    sys.modules[module.__name__] = module
    worker.main()
