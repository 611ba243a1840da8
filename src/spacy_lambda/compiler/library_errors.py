"""What goes wrong in libraries, for odd settings of an original, told as what it is about."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

from spacy.language import Language

from spacy_lambda.errors import CompileError, SpacyLambdaError

__all__ = ["unforeseen"]

TEXT = "A text."


@contextlib.contextmanager
def unforeseen(nlp: Language | None, what: str) -> Iterator[None]:
    """Make an error of a library one of ours; whether the original answers at all tells whose it is.

    :param nlp: The original.
    :param what: The part that is compiled.
    :raises CompileError: In the place of what is neither ours nor the system's.
    """
    try:
        yield
    except (SpacyLambdaError, OSError, MemoryError):
        raise
    except Exception as exc:  # whatever a model, a tokenizer or torch raises
        answered = None if nlp is None else _failure(nlp)
        if answered is not None:
            raise CompileError(
                f"the original itself does not answer: {answered}", remedy="make `nlp(text)` work on it first"
            ) from exc
        raise CompileError(
            f"{what} cannot be compiled with its settings: {_words(exc)}",
            remedy="look for an unusual setting of it in config.cfg or in its model's config.json, and train without"
            " it; if there is none, please report it with both files",
        ) from exc


def _failure(nlp: Language) -> str | None:
    """Why a pipeline does not answer an ordinary text."""
    try:
        nlp(TEXT)
    except Exception as exc:  # whatever the pipeline's own code raises
        return _words(exc)
    return None


def _words(exc: Exception) -> str:
    frames = traceback.extract_tb(exc.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(exc).__name__}: {' '.join(str(exc).split())[:300]}{where}"
