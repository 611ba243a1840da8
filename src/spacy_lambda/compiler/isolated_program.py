"""The program that asks a compiled pipeline, in a process that has what the function will have and nothing else.

``python -m spacy_lambda.compiler.isolated_program QUESTIONS ANSWERS``, both JSON; run by :mod:`.isolated`. What
the pipeline finds missing is noted, whether it says so or not: modules that are not there, files that will not be in
the function, and ``doc._.trf_data``.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType
from typing import Any

from spacy_lambda.runtime.loading import load_pipeline  # isort: skip
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.compiler.snapshot import TORCH_EXTENSION, Failure, failure, tell
from spacy_lambda.core.doc_parts import DOC_PARTS
from spacy_lambda.core.env_names import MAX_TEXT_VARIABLE, MAX_TEXTS_VARIABLE, MAX_TOTAL_VARIABLE
from spacy_lambda.runtime.events.dispatch import dispatch
from spacy_lambda.runtime.predictor import Function
from spacy_lambda.runtime.scores import keep_scores
from spacy_lambda.runtime.speed import measure_speed

__all__ = ["answers", "main"]

UNLIMITED = {variable: str(10**9) for variable in (MAX_TEXT_VARIABLE, MAX_TEXTS_VARIABLE, MAX_TOTAL_VARIABLE)}
"""What a function may be asked follows from its speed and its timeout; what it answers does not."""

SPACY = f"{os.path.dirname(spacy.__file__)}{os.sep}"


def main() -> None:
    """Load, ask, write down."""
    questions = json.loads(Path(sys.argv[1]).read_bytes())
    found = _ask(questions)
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")


def answers(nlp: Language, texts: list[str]) -> list[Any]:
    """What the function answers, asked in each of its ways; a :class:`Failure` where it does not.

    :param texts: Such as the pipeline can answer.
    """
    keep_scores(nlp)  # of an original, too
    function = Function(nlp, UNLIMITED)
    several = [text for text in texts if text.strip()]
    events: list[dict[str, Any]] = [{"text": text, "include": list(DOC_PARTS)} for text in texts]
    events += [{"texts": several, "include": list(DOC_PARTS)}, {"inputs": several}, {"texts": texts}]
    return [_answer(function, event) for event in events]


def _answer(function: Function, event: dict[str, Any]) -> Any:
    try:
        return dispatch(event, None, function)
    except Exception as exc:  # whatever the pipeline's own code raises
        return failure(exc, None)


def _ask(questions: dict[str, Any]) -> dict[str, Any]:
    missing = _Missing()
    sys.meta_path.append(missing)
    hidden = _hide_files(questions["roots"], questions["python"])
    found: dict[str, Any] = {"missing": missing.names, "hidden": hidden, "torch": []}
    try:
        nlp = load_pipeline(Path(questions["pipeline"]))
    except Exception as exc:  # whatever the pipeline's own code raises
        told = failure(exc, None)
        return {**found, "failure": vars(told)}
    running = ["tokenizer"]
    _watch_torch_data(running, found["torch"])
    told_all = [tell(nlp, text, running=running) for text in questions["texts"]]
    running[:] = []
    return {
        **found,
        "failure": None,
        "components": nlp.pipe_names,
        "speed": _speed(nlp, questions["answerable"]),
        "texts": [told.to_dict() for told in told_all],
        "answers": [
            {"failure": vars(one)} if isinstance(one, Failure) else {"answer": one}
            for one in answers(nlp, questions["answerable"])
        ],
    }


def _speed(nlp: Language, texts: list[str]) -> dict[str, Any] | None:
    """How fast it is, for the limits of the function; a pipeline that fails is told of elsewhere."""
    try:
        return measure_speed(nlp, texts)
    except Exception:  # whatever the pipeline's own code raises
        return None


class _Missing(MetaPathFinder):
    """Comes last, so it is asked for what no other finder has found."""

    def __init__(self) -> None:
        self.names: list[list[str]] = []

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Note the name, and the file that asks for it."""
        frame = sys._getframe(1)
        while frame.f_back is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        entry = [fullname, frame.f_code.co_filename]
        if entry not in self.names:
            self.names.append(entry)
        return None


def _hide_files(roots: list[str], python: list[str]) -> list[str]:
    """Let no file be opened but some, and those below some folders: the others will not be in the function.

    :param roots: Files and folders.
    :param python: The standard library's folders, where other packages may be installed too.
    """
    hidden: list[str] = []
    below, beside = (tuple(f"{path.rstrip(os.sep)}{os.sep}" for path in paths) for paths in (roots, python))

    def is_there(path: str) -> bool:
        if path.startswith(below) or path in roots:
            return True
        return path.startswith(beside) and "-packages" not in path

    def hide(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], str | bytes):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if is_there(path) or not os.path.isfile(path) or is_there(os.path.realpath(path)):
            return
        if path not in hidden:
            hidden.append(path)
        raise FileNotFoundError(2, "this file will not be in the function", path)

    sys.addaudithook(hide)
    return hidden


def _watch_torch_data(running: list[str], readers: list[str]) -> None:
    """Note which component reads what only spacy-transformers leaves, even if it takes the error for an answer."""
    if Doc.has_extension(TORCH_EXTENSION):
        return

    def refuse(doc: Doc) -> Any:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename.endswith("underscore.py"):
            frame = frame.f_back
        # spaCy's own doc_cleaner asks whether there is something to clean.
        if not frame.f_code.co_filename.startswith(SPACY):
            note(frame)
        raise AttributeError(
            f"[E046] Can't retrieve unregistered extension attribute '{TORCH_EXTENSION}'. "
            "Did you forget to call the `set_extension` method?"
        )

    def note(frame: FrameType) -> None:
        name = f"component {running[0]!r}" if running else "the pipeline"
        reader = f"{name} ({frame.f_code.co_filename}:{frame.f_lineno})"
        if reader not in readers:
            readers.append(reader)

    Doc.set_extension(TORCH_EXTENSION, getter=refuse)


if __name__ == "__main__":
    main()
