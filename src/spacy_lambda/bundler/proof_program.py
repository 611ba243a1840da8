"""Run as a program: load a pipeline with one folder on the path, ask it, and print what came of it as a line of JSON.

It runs under the target's Python, and has nothing but the standard library before that folder is on the path.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

REPORTED = 600
"""Characters of a message that are told."""

NAMED_BY = {"from_config": "pipe_name", "add_pipe": "name", "create_pipe": "name", "__call__": "name", "_pipe": "name"}
NAMED_BY |= {"from_disk": "key"}
"""Functions of spaCy, and their variable that holds a component's name."""


def main() -> None:
    """Read the question from standard input, and print the answer."""
    question = json.load(sys.stdin)
    sys.path.insert(0, question["root"])
    sys.stdout.write("\n" + json.dumps(_ask(**question)) + "\n")


def _ask(pipeline: str, texts: list[str], root: str) -> dict[str, Any]:
    loading = True
    try:
        from spacy_lambda.core.doc_parts import DOC_PARTS
        from spacy_lambda.core.env_names import PIPELINE_VARIABLE

        os.environ[PIPELINE_VARIABLE] = pipeline
        from spacy_lambda.runtime.handler import handler

        loading = False
        handler({"texts": texts}, None)
        handler({"texts": texts, "include": list(DOC_PARTS)}, None)
    except BaseException as exc:
        return {"failure": {**_failure(exc), "loading": loading}}
    return {"modules": sorted(_modules(root))}


def _failure(error: BaseException) -> dict[str, Any]:
    chain = list(_chain(error))
    missing = next((one.name for one in chain if isinstance(one, ModuleNotFoundError) and one.name), "")
    # What was raised, rather than what the runtime makes of it.
    said = next((one for one in chain if not type(one).__module__.startswith("spacy_lambda")), error)
    return {
        "message": f"{type(said).__name__}: {' '.join(str(said).split())}"[:REPORTED],
        "missing": missing,
        "component": next(filter(None, map(_component, chain)), ""),
    }


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _component(error: BaseException) -> str:
    """The component at work when it was raised, as spaCy's own functions call it."""
    found, traceback = "", error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if _is_spacy(frame):
            name = frame.f_locals.get(NAMED_BY.get(frame.f_code.co_name, ""))
            found = name if isinstance(name, str) else found
        traceback = traceback.tb_next
    return found


def _is_spacy(frame: FrameType) -> bool:
    return frame.f_code.co_filename.endswith(("spacy/language.py", "spacy/util.py"))


def _modules(root: str) -> Iterator[str]:
    """The modules that came from the folder; a pipeline's own code came from elsewhere."""
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        origin = getattr(spec, "origin", None)
        if spec is not None and spec.name == name and origin and origin.startswith(root + os.sep):
            yield name


if __name__ == "__main__":
    main()
