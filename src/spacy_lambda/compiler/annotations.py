"""Annotations of a Doc as items that can be counted and compared: place, label and value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from math import isnan
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span, Token
from spacy.tokens.underscore import Underscore

from spacy_lambda.compiler.doc_content import hook_value, hooks, plain_value, remaining_state
from spacy_lambda.runtime.encoder_output import ENCODING_KEY, TRF_DATA
from spacy_lambda.runtime.scores import scored

__all__ = [
    "LABELLED",
    "Array",
    "Items",
    "Key",
    "annotated",
    "annotations_of",
    "declared",
    "has_float",
    "opaque",
    "same",
]

Key = tuple[int | None, int | None, str, int]
"""First character, the one after the last, label, and a number for repetitions of the same item."""

Items = dict[Key, Any]
"""One kind of annotation of a Doc: values by key; ``None`` where there is only a key."""

LABELLED = ("ents", "tags", "pos", "morphs", "deps", "cats", "spans[")
"""Kinds that are counted label by label; the values of others are too many for that."""

CATEGORY_THRESHOLD = 0.5
MAX_DEPTH = 50
"""Levels of nesting of a value; deeper values cannot be compared."""

NOT_ANNOTATIONS = (TRF_DATA,)

ASSIGNED = {
    "doc.ents": "ents",
    "token.ent_iob": "ents",
    "token.ent_type": "ents",
    "token.ent_kb_id": "ents.kb_id",
    "token.ent_id": "ents.id",
    "token.tag": "tags",
    "token.pos": "pos",
    "token.morph": "morphs",
    "token.lemma": "lemmas",
    "token.dep": "deps",
    "token.head": "deps",
    "token.is_sent_start": "sents",
    "doc.sents": "sents",
    "doc.cats": "cats",
    "doc.tensor": "tensor",
}
"""spaCy's name of an assigned attribute -> the kind of annotation."""


class Array:
    """An array as a value: compared as a whole."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Array) and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        size = f", norm {np.linalg.norm(self.values):.6g}" if self.values.dtype.kind in "fiu" else ""
        return f"array of shape {self.values.shape}{size}"


class Opaque:
    """A value that cannot be compared; all of one type are equal."""

    def __init__(self, value: Any) -> None:
        self.kind = type(value).__name__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and self.kind == other.kind

    __hash__ = None  # type: ignore[assignment]


def declared(component: Any, assigns: Iterable[str]) -> list[str]:
    """Return the kinds of annotation that a component declares.

    :param assigns: From the metadata of its factory.
    """
    kinds = [ASSIGNED[name] for name in assigns if name in ASSIGNED]
    kinds += [name for name in assigns if "._." in name and name.split("._.")[1] not in NOT_ANNOTATIONS]
    if "doc.spans" in assigns and isinstance(getattr(component, "key", None), str):
        kinds.append(f"spans[{component.key}]")
    return list(dict.fromkeys(kinds))


def annotations_of(doc: Doc) -> dict[str, Items]:
    """Return all annotations of a Doc, by kind; kinds without any may be missing."""
    found: dict[str, Items] = {"tokens": _items((token.idx, _end(token), "", None) for token in doc)}
    found |= {kind: _items(_of_tokens(doc, value)) for kind, value in TOKENS.items()}
    if doc.has_annotation("DEP"):
        found["deps"] = _items((token.idx, _end(token), token.dep_, token.head.idx) for token in doc)
    if doc.has_annotation("SENT_START"):
        found["sents"] = _items((sent.start_char, sent.end_char, "", None) for sent in doc.sents)
    found |= _of_spans("ents", doc.ents)
    for key, group in doc.spans.items():
        found |= _of_spans(f"spans[{key}]", group)
        found[f"spans[{key}].scores"] = _items(
            (span.start_char, span.end_char, span.label_, score) for span, score in scored(group) if score is not None
        )
    cats = sorted(doc.cats.items())
    found["cats"] = _items((None, None, label, None) for label, score in cats if score >= CATEGORY_THRESHOLD)
    found["cats.scores"] = _items((None, None, label, float(score)) for label, score in cats)
    if np.size(doc.tensor):
        tensor = doc.tensor.get() if hasattr(doc.tensor, "get") else doc.tensor
        found["tensor"] = {(None, None, "", 0): Array(tensor)}
    for kind, value in remaining_state(doc):
        found[kind] = {(None, None, "", 0): _plain(value)}
    for owner, name, hook in hooks(doc):
        value = partial(hook_value, name, hook)
        found[f"{owner} hook {name}"] = {
            (start, end, "", 0): _plain(_value_of(value, thing)) for start, end, thing in _owners(owner, doc)
        }
    for kind, start, end, value in (*_user_data(doc), *_computed(doc)):
        found.setdefault(kind, {})[start, end, "", 0] = _plain(value)
    return found


def annotated(doc: Doc) -> set[str]:
    """Return the kinds of annotation that a gold Doc has, even where there is nothing to annotate."""
    if not len(doc):  # spaCy calls an empty Doc annotated
        return set()
    unlisted = {kind for kind, _ in remaining_state(doc)} | {f"{owner} hook {name}" for owner, name, _ in hooks(doc)}
    kinds = {kind for kind, items in annotations_of(doc).items() if items and not kind.endswith(".scores")} - unlisted
    kinds |= {f"spans[{key}]" for key in doc.spans} | ({"cats"} if doc.cats else set())
    return kinds | ({"ents"} if doc.has_annotation("ENT_IOB") else set()) - {"tokens", "tensor"}


def opaque(items: Items) -> str | None:
    """Return the type of the first value that cannot be compared, if there is one."""
    return next((kind for kind in map(_opaque, items.values()) if kind), None)


def _opaque(value: Any) -> str | None:
    if isinstance(value, list | dict):
        inner = value.values() if isinstance(value, dict) else value
        return next((kind for kind in map(_opaque, inner) if kind), None)
    return value.kind if isinstance(value, Opaque) else None


def _plain(value: Any) -> Any:
    return plain_value(value, _plain_object, max_depth=MAX_DEPTH)


def _plain_object(value: Any, depth: int) -> Any:
    """Return an object in a form that does not depend on its pipeline's vocabulary."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, np.ndarray):
        return Array(value)
    if isinstance(value, Span):
        return [value.start_char, value.end_char, value.label_]
    if isinstance(value, Token):
        return [value.idx, _end(value)]
    return value.text if isinstance(value, Doc) else Opaque(value)


def same(first: Any, second: Any, tolerance: float) -> bool:
    """Return whether two values are equal, floats to within a tolerance."""
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= tolerance or first == second or (isnan(first) and isnan(second))
    if isinstance(first, Array) and isinstance(second, Array):
        if first.values.shape != second.values.shape or first.values.dtype.kind not in "fc":
            return first == second
        size = max(float(np.abs(first.values).max(initial=0.0)), 1.0)
        return bool(np.allclose(first.values, second.values, rtol=0, atol=tolerance * size, equal_nan=True))
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(same(a, b, tolerance) for a, b in zip(first, second, strict=True))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key], tolerance) for key in first)
    return bool(first == second)


def has_float(value: Any) -> bool:
    """Return whether a value contains a float, at any depth."""
    if isinstance(value, Array):
        return value.values.dtype.kind in "fc"
    if isinstance(value, list | dict):
        return any(map(has_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


TOKENS: dict[str, Callable[[Token], str]] = {
    "tags": lambda token: token.tag_,
    "pos": lambda token: token.pos_,
    "morphs": lambda token: str(token.morph),
    "lemmas": lambda token: token.lemma_,
    "norms": lambda token: token.norm_ if token.norm_ != token.lex.norm_ else "",
}


def _of_tokens(doc: Doc, value: Callable[[Token], str]) -> Iterator[tuple[Any, ...]]:
    return ((token.idx, _end(token), value(token), None) for token in doc if value(token))


def _of_spans(kind: str, spans: Iterable[Span]) -> dict[str, Items]:
    spans = list(spans)
    places = [(span.start_char, span.end_char) for span in spans]
    found = {kind: _items((*place, span.label_, None) for place, span in zip(places, spans, strict=True))}
    for name, values in (("kb_id", [s.kb_id_ for s in spans]), ("id", [s.id_ or s.ent_id_ for s in spans])):
        found[f"{kind}.{name}"] = _items(
            (*place, value, None) for place, value in zip(places, values, strict=True) if value
        )
    return found


def _items(things: Iterable[tuple[Any, ...]]) -> Items:
    items: Items = {}
    for start, end, label, value in things:
        number = 0
        while (start, end, label, number) in items:
            number += 1
        items[start, end, label, number] = value
    return items


def _user_data(doc: Doc) -> Iterator[tuple[str, int | None, int | None, Any]]:
    """Yield the contents of ``doc.user_data``, custom extensions among them."""
    for key, value in doc.user_data.items():
        if key == ENCODING_KEY:
            continue
        if isinstance(key, tuple) and len(key) >= 4 and key[0] == "._.":
            _, name, start, end, *_ = key
            owner = "doc" if start is None else "token" if end is None else "span"
            if name not in NOT_ANNOTATIONS:
                yield f"{owner}._.{name}", start, end, value
        else:
            yield f"user_data[{key}]", None, None, value


def _computed(doc: Doc) -> Iterator[tuple[str, int | None, int | None, Any]]:
    """Yield the values of extensions with a getter."""
    owners: dict[str, Mapping[str, Any]] = {
        "doc": Underscore.doc_extensions,
        "span": Underscore.span_extensions,
        "token": Underscore.token_extensions,
    }
    for owner, extensions in owners.items():
        for name, (_, _, getter, _) in extensions.items():
            if getter is not None and name not in NOT_ANNOTATIONS:
                for start, end, thing in _owners(owner, doc):
                    yield f"{owner}._.{name}", start, end, _value_of(getter, thing)


def _owners(owner: str, doc: Doc) -> list[tuple[int | None, int | None, Any]]:
    """Return a Doc, its spans or its tokens, each with its place."""
    if owner == "doc":
        return [(None, None, doc)]
    if owner == "token":
        return [(token.idx, _end(token), token) for token in doc]
    spans = [*doc.ents, *(span for group in doc.spans.values() for span in group)]
    return [(span.start_char, span.end_char, span) for span in spans]


def _value_of(getter: Callable[[Any], Any], thing: Any) -> Any:
    try:
        return getter(thing)
    except Exception as exc:  # any exception of user code: that is its value
        return f"raises {type(exc).__name__}"


def _end(token: Token) -> int:
    return token.idx + len(token)
