"""Event -> request. Every error of a caller in a direct invocation is raised here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from reprlib import Repr
from typing import Any, Literal

from spacy_lambda.core.request_options import DOC_PARTS, LONG_TEXT
from spacy_lambda.errors import RequestError, shorten

__all__ = ["TEXT_KEYS", "Request", "combined", "parse_request"]

TEXT_KEYS = ("text", "texts", "inputs")
KEYS = (*TEXT_KEYS, "include", "long_text")

_REPR = Repr()
_REPR.maxother = _REPR.maxstring = 60

KINDS: tuple[tuple[type[Any], str], ...] = (
    (type(None), "null"),
    (bool, "a boolean"),  # before int, of which it is a subclass
    (int, "a number"),
    (float, "a number"),
    (str, "a string"),
    (list, "a list"),
    (Mapping, "an object"),
    (bytes, "bytes"),
)
"""JSON's kinds of values, and bytes."""

MAX_NAMED_KEYS = 20
"""Keys at fault that a message names; the others are counted."""

EntityShape = Literal["ents", "token-classification"]


@dataclass(frozen=True)
class Request:
    """A parsed request.

    :param texts: The texts, in order.
    :param single: ``True`` if the response is the prediction of the only text rather than a list of predictions.
    :param shape: The form of an entity in the prediction: the default one, or that of the Hugging Face task.
    :param include: Requested parts of the prediction, or ``None`` for the plain list of entities.
    :param split: ``True`` if texts over the limit are split rather than refused.
    """

    texts: tuple[str, ...]
    single: bool
    shape: EntityShape
    include: tuple[str, ...] | None
    split: bool = False

    def key(self, number: int) -> str:
        """Return the key of one of the texts, as errors name it."""
        name = "inputs" if self.shape == "token-classification" else "text" if self.single else "texts"
        return name if self.single else f"{name}[{number}]"


def parse_request(
    event: Any, *, max_length: int, max_texts: int | None = None, max_total: int | None = None
) -> Request:
    """Read an event.

    :param event: The event, as Lambda decoded it from JSON.
    :param max_length: Maximum characters of a text.
    :param max_texts: Maximum texts.
    :param max_total: Maximum characters, all texts together.
    :raises RequestError: If the event is not a request; names the key at fault.
    """
    key = _text_key(event)
    value = event[key]
    single = key == "text" or (key == "inputs" and isinstance(value, str))
    texts = (value,) if single else _list(key, value)
    if max_texts is not None and len(texts) > max_texts:
        raise RequestError(
            f'"{key}" has {len(texts):,} texts; the limit is {max_texts:,}',
            remedy="send fewer texts at once",
            key=key,
            status=413,
        )
    request = Request(
        texts=tuple(texts),
        single=single,
        shape="token-classification" if key == "inputs" else "ents",
        include=_include(event),
        split=_split(event),
    )
    _check_texts(request, max_length)
    total = sum(map(len, texts))
    if max_total is not None and total > max_total:
        raise RequestError(
            f'"{key}" has {total:,} characters in total; the limit is {max_total:,}',
            remedy="send less text at once" if single else "send fewer texts at once",
            key=key,
            status=413,
        )
    return request


def _text_key(event: Any) -> str:
    """Return the one key of an event that has the texts; all others must be known."""
    if not isinstance(event, Mapping):
        raise RequestError(
            f"the event is {_kind(event)}, not an object",
            remedy='send {"text": "..."}, or "texts" or "inputs"',
        )
    for key in event:
        if key not in KEYS:
            remedy = _known_keys(key)
            loggable = RequestError("unknown key", remedy=remedy)
            raise RequestError(f"unknown key {_short(key)}", remedy=remedy, key=str(key), loggable=loggable)
    named = [key for key in TEXT_KEYS if key in event]
    if not named:
        raise RequestError(
            'the key "text" is missing', remedy='send {"text": "..."}, or "texts" or "inputs"', key="text"
        )
    if len(named) > 1:
        raise RequestError(
            f"the keys {' and '.join(map(repr, named))} exclude each other",
            remedy="send only one of them",
            key=named[1],
        )
    return named[0]


def combined(errors: Sequence[RequestError]) -> RequestError:
    """Return one error for all invalid texts of a request: the first, which also names the others."""
    first = errors[0]
    keys = [error.key for error in errors if error.key is not None]
    if len(keys) < 2:
        return first
    others, more = keys[1 : MAX_NAMED_KEYS + 1], len(keys) - 1 - MAX_NAMED_KEYS
    also = ", ".join(others) + (f" and {more:,} more" if more > 0 else "")
    return RequestError(
        f"{first.message} (also at fault: {also})",
        remedy=first.remedy,
        key=first.key,
        status=first.status,
        keys=keys,
        loggable=None if first.loggable is first else combined([first.loggable, *errors[1:]]),
    )


def _list(key: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        expected = "a string or a list of strings" if key == "inputs" else "a list of strings"
        raise RequestError(
            f'"{key}" is {_kind(value)}, not {expected}', remedy=f'send "{key}": ["...", "..."]', key=key
        )
    return value


def _check_texts(request: Request, max_length: int) -> None:
    limit = None if request.split else max_length
    checked = (_text_error(request.key(number), text, limit) for number, text in enumerate(request.texts))
    errors = [error for error in checked if error]
    if errors:
        raise combined(errors)


def _text_error(key: str, text: Any, max_length: int | None) -> RequestError | None:
    if not isinstance(text, str):
        remedy = 'send a string, or several as "texts"' if key == "text" and isinstance(text, list) else "send a string"
        return RequestError(f'"{key}" is {_kind(text)}, not a string', remedy=remedy, key=key)
    if max_length is not None and len(text) > max_length:
        return RequestError(
            f'"{key}" has {len(text):,} characters; the limit is {max_length:,}',
            remedy='split the text and send the parts, or send "long_text": "split"',
            key=key,
            status=413,
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        return RequestError(
            f'"{key}" has a lone surrogate at character {exc.start}',
            remedy="send valid Unicode: a character beyond U+FFFF is two \\u escapes, or itself",
            key=key,
        )
    return None


def _split(event: Mapping[str, Any]) -> bool:
    value = event.get("long_text", "refuse")
    if value not in LONG_TEXT:
        raise _unknown_value("long_text", value, LONG_TEXT, key="long_text")
    return bool(value == "split")


def _include(event: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "include" not in event:
        return None
    value = event["include"]
    if not isinstance(value, list):
        raise RequestError(
            f'"include" is {_kind(value)}, not a list',
            remedy='send "include": ["ents", "sents"]',
            key="include",
        )
    for number, part in enumerate(value):
        if part not in DOC_PARTS:
            raise _unknown_value(f"include[{number}]", part, DOC_PARTS, key="include")
    return tuple(dict.fromkeys(value))


def _unknown_value(name: str, value: Any, known: Sequence[str], *, key: str) -> RequestError:
    remedy = f"choose from {', '.join(known)}"
    loggable = RequestError(f'"{name}" has an unknown value', remedy=remedy, key=key)
    return RequestError(f'"{name}" is {_short(value)}', remedy=remedy, key=key, loggable=loggable)


def _known_keys(key: Any) -> str:
    near = get_close_matches(str(key)[:20], KEYS, n=1)
    return (f'did you mean "{near[0]}"? ' if near else "") + f"known keys: {', '.join(KEYS)}"


def _kind(value: Any) -> str:
    return next((name for kind, name in KINDS if isinstance(value, kind)), f"of type {type(value).__name__}")


def _short(value: Any) -> str:
    return shorten(repr(value[:60]) if isinstance(value, str) else _REPR.repr(value), 60)
