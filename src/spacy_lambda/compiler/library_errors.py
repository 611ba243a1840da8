"""Errors of libraries on unusual settings of an original, raised as CompileError."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

from spacy.language import Language

from spacy_lambda.errors import CompileError, SpacyLambdaError

__all__ = ["library_errors"]

TEXT = "A text."


@contextlib.contextmanager
def library_errors(nlp: Language | None, what: str) -> Iterator[None]:
    """Raise an error of a library as a CompileError, which names the original as the cause where that fails too.

    :param nlp: The original.
    :param what: The part that is being compiled.
    :raises CompileError: If the block raises an error that is neither spacy-lambda's nor the system's.
    """
    try:
        yield
    except (SpacyLambdaError, OSError, MemoryError):
        raise
    except Exception as exc:  # any error of a model, a tokenizer or torch
        failure = None if nlp is None else _failure(nlp)
        if failure is not None:
            raise CompileError(
                f"the original itself fails: {failure}", remedy="make `nlp(text)` work on it first"
            ) from exc
        raise CompileError(
            f"{what} cannot be compiled with its settings: {_described(exc)}",
            remedy="look for an unusual setting of it in config.cfg or in its model's config.json, and train without"
            " it; if there is none, please report it with both files",
        ) from exc


def _failure(nlp: Language) -> str | None:
    """Return the error with which a pipeline fails on an ordinary text."""
    try:
        nlp(TEXT)
    except Exception as exc:  # any exception of user code
        return _described(exc)
    return None


def _described(exc: Exception) -> str:
    frames = traceback.extract_tb(exc.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(exc).__name__}: {' '.join(str(exc).split())[:300]}{where}"
