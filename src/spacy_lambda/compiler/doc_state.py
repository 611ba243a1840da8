"""What is on a Doc beside what components usually annotate: nothing of a Doc's state is to be in neither list.

Both comparisons use it: :mod:`.annotations`, of the original with what was compiled from it on a user's texts, and
:mod:`.snapshot`, of both in processes of their own. So it imports nothing but spaCy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spacy.tokens import Doc

__all__ = ["hooks", "leftovers"]

LEXEME_FLAGS = ("is_stop", "is_oov")
"""Of a token's word in the vocabulary, which components may change."""


def leftovers(doc: Doc) -> Iterator[tuple[str, Any]]:
    """Kinds and values; a kind is missing where it has the value of a new Doc."""
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


def hooks(doc: Doc) -> Iterator[tuple[str, Any]]:
    """Functions that a component has put in the place of spaCy's own."""
    for kind, found in (("doc", doc.user_hooks), ("token", doc.user_token_hooks), ("span", doc.user_span_hooks)):
        yield from ((f"{kind} hook {name}", function) for name, function in found.items())


def _of_each(group: Any, scores: Any) -> bool:
    """Whether there is one score for each span, which are compared with them."""
    return hasattr(scores, "__len__") and len(scores) == len(group)
