"""One cold start, with one of its measures undone: ``cold_variants.py VARIANT PIPELINE`` reads a text, prints JSON.

It runs in a fresh process with the packages of a function, and imports nothing else before it is timed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def _nothing(*_: Any) -> Iterator[None]:
    yield


def with_command_line() -> None:
    """Import spaCy as it is, with its command line."""
    import spacy  # noqa: F401


def with_collector() -> None:
    """Let the garbage collector run."""
    from spacy_lambda.runtime import gc_pause

    gc_pause.gc_paused = _nothing


def with_rules_twice() -> None:
    """Load with spaCy's own function, which applies the rules of two tokenizers."""
    from spacy_lambda.runtime import loading
    from spacy_lambda.runtime.spacy_import import spacy

    loading.load_language = spacy.load


def with_sessions_last() -> None:
    """Open the encoders after everything else is loaded."""
    from spacy_lambda.runtime import loading

    loading.opening_sessions = _nothing


PARTS = "parts"
UNDO = {
    "as it is": lambda: None,
    "spaCy imported with its command line": with_command_line,
    "the garbage collector runs": with_collector,
    "the tokenizer's rules applied twice": with_rules_twice,
    "sessions opened after the rest": with_sessions_last,
}


def main(variant: str, pipeline: str) -> dict[str, float]:
    """Return when each part was done, in seconds of the clock that all processes share, and a warm call's seconds."""
    text = sys.stdin.read()
    marks = {"python": time.monotonic()}
    UNDO.get(variant, UNDO["as it is"])()
    from spacy_lambda.runtime.loading import load_pipeline
    from spacy_lambda.runtime.onnx_import import import_onnxruntime

    if variant == PARTS:
        marks["spaCy"] = time.monotonic()
        # In a function, a thread imports it while spaCy loads the pipeline.
        import_onnxruntime()
        marks["onnxruntime"] = time.monotonic()
    nlp = load_pipeline(Path(pipeline))
    marks["load"] = time.monotonic()
    list(nlp(text).ents)
    marks["first"] = time.monotonic()
    list(nlp(text).ents)
    return {**marks, "second": time.monotonic()}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:3])))
