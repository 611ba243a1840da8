"""The result of one text of a pipe: its prediction or its error, and the treatment of errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from spacy_lambda.errors import InvokeError, RequestError

__all__ = ["ErrorHandler", "OnError", "TextError", "TextResult", "detached", "error_handler"]

TextError = RequestError | InvokeError
"""The error of one text: refused, or impossible to predict. Its ``key`` is ``texts[N]`` with the text's number."""

ErrorHandler = Callable[[Any, TextError], Any]
"""Called with a text and its error; returns the value to yield in place of the prediction, or raises."""

OnError = Literal["raise", "return"] | ErrorHandler
"""Treatment of a text that fails: raise its error, yield its error, or yield the value of a handler."""


@dataclass(frozen=True)
class TextResult:
    """The result of one text.

    :param number: Its number among all texts.
    :param text: As it was read; a string, if it was sent.
    :param prediction: As the function returned it, if there is no error.
    :param error: The reason for which it has no prediction.
    """

    number: int
    text: Any
    prediction: Any = None
    error: TextError | None = None


def error_handler(on_error: OnError) -> ErrorHandler:
    """Return the handler for the user's argument.

    :raises InvokeError: If it is invalid.
    """
    if callable(on_error):
        return on_error
    if on_error == "return":
        return _return_error
    if on_error == "raise":
        return _raise_error
    raise InvokeError(
        f"on_error is {on_error!r}", remedy="choose from raise, return, or give a function of a text and its error"
    )


def detached(error: TextError) -> TextError:
    """Return an error without its traceback and causes, whose frames would keep whole requests in memory."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


def _raise_error(text: Any, error: TextError) -> NoReturn:
    raise error


def _return_error(text: Any, error: TextError) -> TextError:
    return error
