"""The rarely used state of a Doc, and values in plain form.

Two comparisons read a Doc, and differ in purpose: :mod:`.annotations` lists items with places and labels, which
:mod:`.agreement` counts on a user's texts in one process; :mod:`.doc_trace` evaluates everything, hooks and custom
attributes too, into JSON, which :mod:`.differences` compares across two processes to the last key. They share the
list of a Doc's contents and the conversion to plain values. This imports only spaCy: it runs with the function's
packages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from spacy.tokens import Doc

__all__ = ["hook_value", "hooks", "plain_value", "remaining_state"]

LEXEME_FLAGS = ("is_stop", "is_oov")
"""Flags of a token's word in the vocabulary, which components may change."""

Convert = Callable[[Any, int], Any]


def remaining_state(doc: Doc) -> Iterator[tuple[str, Any]]:
    """Yield kinds and values of rarely used state, except those with the value of a new Doc."""
    if doc.sentiment:
        yield "sentiment", float(doc.sentiment)
    if doc.has_unknown_spaces:
        yield "has_unknown_spaces", True
    for key, group in doc.spans.items():
        attrs = {name: value for name, value in group.attrs.items() if name != "scores" or not _of_each(group, value)}
        if attrs:
            yield f"spans[{key}].attrs", attrs
    if any(token.ent_iob_ == "" for token in doc) and doc.has_annotation("ENT_IOB"):
        yield "ents.missing", [token.i for token in doc if token.ent_iob_ == ""]
    for name in LEXEME_FLAGS:
        if chosen := [token.i for token in doc if getattr(token, name)]:
            yield name, chosen


def hooks(doc: Doc) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Yield the owner, name and function of each hook that replaces one of spaCy's."""
    for owner, found in (("doc", doc.user_hooks), ("token", doc.user_token_hooks), ("span", doc.user_span_hooks)):
        yield from ((owner, name, function) for name, function in found.items())


def hook_value(name: str, hook: Callable[..., Any], thing: Any) -> Any:
    """Return a hook's value for a Doc, a token or a span; its similarity is that with itself."""
    value = hook(thing, thing) if name == "similarity" else hook(thing)
    return list(value) if isinstance(value, Iterator) else value


def plain_value(value: Any, convert: Convert, *, max_depth: int) -> Any:
    """Return a value as ``None``, booleans, numbers, strings, and lists and dicts of them.

    :param convert: Converts any other value; called with its remaining depth, 0 if it is nested too deep.
    :param max_depth: Levels of nesting.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if max_depth == 0 or not isinstance(value, Mapping | list | tuple | set | frozenset):
        return convert(value, max_depth)
    if isinstance(value, Mapping):
        return {str(key): plain_value(one, convert, max_depth=max_depth - 1) for key, one in value.items()}
    inner = [plain_value(one, convert, max_depth=max_depth - 1) for one in value]
    return sorted(inner, key=repr) if isinstance(value, set | frozenset) else inner


def _of_each(group: Any, scores: Any) -> bool:
    """Return whether there is one score for each span: these are compared with the spans."""
    return hasattr(scores, "__len__") and len(scores) == len(group)
