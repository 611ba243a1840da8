"""Checks of a prediction before a Doc is made of it, as spaCy accepts some invalid values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from spacy_lambda.core.request_options import DOC_PARTS

__all__ = ["ShapeError", "check_shape"]

WORDS = ("text", "lemma", "pos", "tag", "morph", "dep")


class ShapeError(ValueError):
    """A prediction does not fit its text."""


def check_shape(text: str, prediction: Any) -> None:
    """Check types and offsets.

    :raises ShapeError: If one of them is invalid.
    """
    is_whole = isinstance(prediction, dict) and set(DOC_PARTS) <= prediction.keys()
    _need(is_whole, f"it lacks some of {', '.join(DOC_PARTS)}")
    tokens = _objects(prediction["tokens"], "tokens")
    _check_tokens(text, tokens)
    starts, ends = {token["start"] for token in tokens}, {token["end"] for token in tokens}
    for sentence in _objects(prediction["sents"], "sents"):
        _need(_is_whole(sentence.get("start")) and sentence["start"] in starts, "a sentence does not begin at a token")
    spans = _typed(prediction["spans"], dict, "spans")
    _check_strings(spans, "spans")
    for name, group in [("ents", prediction["ents"]), *spans.items()]:
        for span in _objects(group, name):
            _check_strings([span.get("label")], f"the labels of {name}")
            start, end = (span.get(key, -1) for key in ("start", "end"))
            _need(_is_whole(start) and _is_whole(end), f"an offset in {name} is not a number")
            _need(start in starts and end in ends and start < end, f"a span of {name} does not align with tokens")
    cats = _typed(prediction["cats"], dict, "cats")
    _check_strings(cats, "cats")
    _need(all(type(score) in (int, float) and isfinite(score) for score in cats.values()), "a score is not a number")


def _check_tokens(text: str, tokens: Sequence[Mapping[str, Any]]) -> None:
    end = 0
    for token in tokens:
        _check_strings([token.get(name) for name in WORDS], "tokens")
        _need(
            all(_is_whole(token.get(name)) for name in ("start", "end", "head")),
            "a token's offset or head is not a number",
        )
        _need(end <= token["start"] < token["end"] <= len(text), "the tokens are not in order")
        _need(token["head"] < len(tokens), "a head is not a token")
        end = token["end"]
    _need(_is_forest([token["head"] for token in tokens]), "the heads form a cycle")


def _is_forest(heads: Sequence[int]) -> bool:
    """Return whether each token has a root above it."""
    done = [False] * len(heads)
    for first in range(len(heads)):
        path, here = list[int](), first
        seen = set[int]()
        while not done[here] and heads[here] != here:
            if here in seen:
                return False
            seen.add(here)
            path.append(here)
            here = heads[here]
        for place in (*path, here):
            done[place] = True
    return True


def _objects(value: Any, what: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = _typed(value, list, what)
    _need(all(isinstance(item, dict) for item in found), f"{what} contains values other than objects")
    return found


def _typed(value: Any, kind: Callable[..., Any], what: str) -> Any:
    _need(type(value) is kind, f"{what} is of type {type(value).__name__}")
    return value


def _is_whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _check_strings(values: Iterable[Any], what: str) -> None:
    for value in values:
        _need(isinstance(value, str), f"{what} contains a value that is not a string")
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            raise ShapeError(f"{what} has a lone surrogate") from exc


def _need(fits: bool, otherwise: str) -> None:
    if not fits:
        raise ShapeError(otherwise[:300])
