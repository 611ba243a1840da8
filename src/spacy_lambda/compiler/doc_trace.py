"""A pipeline run on a text component by component, and each component's changes to the Doc, as JSON.

Both sides of a compile's proof run this: the original where it was compiled, the compiled pipeline in a process with
the function's packages alone. So it imports nothing that the function does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span, Token
from spacy.tokens.underscore import Underscore

from spacy_lambda.compiler.doc_content import hook_value, hooks, plain_value, remaining_state
from spacy_lambda.packages.isolated_program import Failure, describe_failure
from spacy_lambda.runtime.encoder_output import TRF_DATA, TRF_DATA_KEY

__all__ = ["CUSTOM", "DocTrace", "trace_text"]

CUSTOM = "_."
"""Prefix of the names of custom attributes."""

OWN_KEYS = "spacy_lambda"
"""Part of the keys that spacy-lambda itself leaves in ``doc.user_data``."""

MAX_DEPTH = 6

Snapshot = dict[str, Any]
"""The whole content of a Doc, by kind: ``tokens``, ``ents``, ..."""


@dataclass(frozen=True)
class DocTrace:
    """The run of a pipeline on one text.

    :param steps: For each component, the kinds that it changed and their new values.
    :param failure: The exception that ended the run, if there was one.
    """

    steps: list[tuple[str, Snapshot]]
    failure: Failure | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def trace_text(
    nlp: Language, text: str, *, batch_with: str | None = None, running: list[str] | None = None
) -> DocTrace:
    """Run a pipeline on a text and record each component's changes.

    :param batch_with: Another text in the same batch: numbers then differ in their last bits, as in any batch.
    :param running: Receives the name of the component at work, as its only item.
    """
    steps: list[tuple[str, Snapshot]] = []
    before: Snapshot = {}
    name = "tokenizer"
    try:
        docs = [nlp.make_doc(one) for one in (text, batch_with) if one is not None]
        for name, component in [("tokenizer", None), *nlp.pipeline]:
            if running is not None:
                running[:] = [name]
            if component is not None:
                docs = _run(component, docs)
            after = _snapshot(docs[0])
            steps.append((name, {key: value for key, value in after.items() if before.get(key) != value}))
            before = after
    except Exception as exc:  # any exception of user code
        return DocTrace(steps, describe_failure(exc, name))
    return DocTrace(steps, None)


def _run(component: Any, docs: Sequence[Doc]) -> list[Doc]:
    if len(docs) > 1 and hasattr(component, "pipe"):
        return list(component.pipe(iter(docs), batch_size=len(docs)))
    return [component(doc) for doc in docs]


def _snapshot(doc: Doc) -> Snapshot:
    return {
        "text": doc.text,
        "tokens": [_token(token) for token in doc],
        "ents": [_span(span) for span in doc.ents],
        "spans": {key: [_span(span) for span in group] for key, group in doc.spans.items()},
        "cats": {label: _plain(score) for label, score in doc.cats.items()},
        "sents": [[sent.start, sent.end] for sent in doc.sents] if doc.has_annotation("SENT_START") else [],
        "noun_chunks": _noun_chunks(doc),
        "tensor": _row_sums(doc.tensor),
        "vector": _row_sums(doc.vector) if doc.vocab.vectors_length or "vector" in doc.user_hooks else [],
        "hooks": {f"{owner}.{name}": _hook_value(doc, owner, name, hook) for owner, name, hook in hooks(doc)},
        "leftovers": {kind: _plain(value) for kind, value in remaining_state(doc)},
        "extensions": _extensions(doc, Underscore.doc_extensions),
        "user_data": {repr(key): _plain(value) for key, value in doc.user_data.items() if not _is_encoding(key)},
    }


def _is_encoding(key: Any) -> bool:
    """Return whether either side keeps hidden states under a key."""
    return key == TRF_DATA_KEY or OWN_KEYS in str(key)


def _token(token: Token) -> list[Any]:
    return [
        token.idx,
        token.text,
        token.norm_,
        token.lemma_,
        token.pos_,
        token.tag_,
        str(token.morph),
        token.dep_,
        token.head.i,
        token.ent_iob_,
        token.is_sent_start,
        token.is_stop,
        token.is_oov,
        _extensions(token, Underscore.token_extensions),
    ]


def _span(span: Span) -> list[Any]:
    extensions = _extensions(span, Underscore.span_extensions)
    return [span.start_char, span.end_char, span.label_, span.kb_id_, span.id_, extensions]


def _noun_chunks(doc: Doc) -> list[list[Any]]:
    if not doc.has_annotation("DEP"):
        return []
    try:
        return [[chunk.start, chunk.end] for chunk in doc.noun_chunks]
    except NotImplementedError:
        return []


def _hook_value(doc: Doc, owner: str, name: str, hook: Any) -> Any:
    """Return a hook's value for the Doc, its first token or the span of all tokens."""
    if owner == "token" and not len(doc):
        return None
    thing: Any = doc if owner == "doc" else doc[0] if owner == "token" else doc[:]
    return _plain(hook_value(name, hook, thing))


def _extensions(owner: Any, registered: Mapping[Any, Any]) -> dict[str, Any]:
    """Return custom attributes and their values; methods require arguments and are left out."""
    return {
        f"{CUSTOM}{name}": _plain(getattr(owner._, name))
        for name, (_, method, _, _) in sorted(registered.items())
        if method is None and name != TRF_DATA
    }


def _row_sums(matrix: Any) -> list[Any]:
    """Return an array's shape and the sums of its rows."""
    if matrix is None:
        return []
    values = np.asarray(matrix, dtype=np.float64)
    return [list(values.shape), values.reshape(len(values), -1).sum(axis=1).tolist() if values.size else []]


def _plain(value: Any) -> Any:
    return plain_value(value, _plain_object, max_depth=MAX_DEPTH)


def _plain_object(value: Any, depth: int) -> Any:
    """Return JSON for any object; an object of a class is its name and its attributes."""
    if isinstance(value, np.ndarray):
        return _row_sums(value) if value.dtype.kind in "fiub" else [str(item) for item in value.flat]
    if isinstance(value, Span | Token | Doc):
        return [type(value).__name__, str(value)]
    if depth == 0:
        return type(value).__qualname__
    if isinstance(value, bytes):
        return value.hex()
    name = getattr(value, "__qualname__", type(value).__qualname__)
    state = getattr(value, "__dict__", None)
    if not isinstance(state, Mapping) or callable(value):
        return name
    return [name, plain_value(dict(state), _plain_object, max_depth=depth - 1)]
