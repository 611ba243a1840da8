"""A pipeline on texts, component by component -> all that each of them says, in plain values.

Both sides of the last step of a compile run this: the original where it was compiled, the compiled pipeline in a
process with the function's packages alone. So it imports nothing that the function has not.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span, Token
from spacy.tokens.underscore import Underscore

from spacy_lambda.compiler.doc_state import leftovers

__all__ = ["CUSTOM", "TORCH_EXTENSION", "Failure", "Told", "failure", "tell"]

TORCH_EXTENSION = "trf_data"
"""What spacy-transformers leaves on a Doc: ``doc._.trf_data``."""

CUSTOM = "_."
"""What the names of custom attributes begin with here."""

OUR_KEY = "spacy_lambda"
MAX_DEPTH = 6

Said = dict[str, Any]
"""What a Doc says, by kind: ``tokens``, ``ents``, ..."""


@dataclass(frozen=True)
class Failure:
    """An exception, as it can be told to another process.

    :param component: Where in the pipeline; ``None`` while it was loaded.
    :param kind: The exception's class.
    :param message: What it says.
    :param where: File and line of the frame that raised it.
    :param missing: Modules that could not be found, in it or in what led to it.
    """

    component: str | None
    kind: str
    message: str
    where: str
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """What a pipeline says of one text.

    :param steps: For each component, what it changed.
    :param failure: What ended it, if something did.
    """

    steps: list[tuple[str, Said]]
    failure: Failure | None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def tell(nlp: Language, text: str, *, beside: str | None = None, running: list[str] | None = None) -> Told:
    """Run a pipeline on a text and note what each component says.

    :param beside: Another text of the same batch: numbers then differ in their last bits, as batches make them.
    :param running: Receives the name of the component at work, as its only item.
    """
    steps: list[tuple[str, Said]] = []
    before: Said = {}
    name = "tokenizer"
    try:
        docs = [nlp.make_doc(one) for one in (text, beside) if one is not None]
        for name, component in [("tokenizer", None), *nlp.pipeline]:
            if running is not None:
                running[:] = [name]
            if component is not None:
                docs = _run(component, docs)
            said = _say(docs[0])
            steps.append((name, {key: value for key, value in said.items() if before.get(key) != value}))
            before = said
    except Exception as exc:  # whatever the pipeline's own code raises
        return Told(steps, failure(exc, name))
    return Told(steps, None)


def failure(exc: BaseException, component: str | None) -> Failure:
    """An exception with what led to it, however it was raised again."""
    missing: list[str] = []
    link: BaseException | None = exc
    while link is not None:
        if isinstance(link, ImportError) and link.name and link.name not in missing:
            missing.append(link.name)
        link = link.__cause__ or link.__context__
    frames = traceback.extract_tb(exc.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    return Failure(component, type(exc).__name__, str(exc), where, missing)


def _run(component: Any, docs: Sequence[Doc]) -> list[Doc]:
    if len(docs) > 1 and hasattr(component, "pipe"):
        return list(component.pipe(iter(docs), batch_size=len(docs)))
    return [component(doc) for doc in docs]


def _say(doc: Doc) -> Said:
    return {
        "text": doc.text,
        "tokens": [_token(token) for token in doc],
        "ents": [_span(span) for span in doc.ents],
        "spans": {key: [_span(span) for span in group] for key, group in doc.spans.items()},
        "cats": {label: _plain(score) for label, score in doc.cats.items()},
        "sents": [[sent.start, sent.end] for sent in doc.sents] if doc.has_annotation("SENT_START") else [],
        "noun_chunks": _noun_chunks(doc),
        "tensor": _sums(doc.tensor),
        "vector": _sums(doc.vector) if doc.vocab.vectors_length or "vector" in doc.user_hooks else [],
        "hooks": _hooks(doc),
        "leftovers": {kind: _plain(value) for kind, value in leftovers(doc)},
        "extensions": _extensions(doc, Underscore.doc_extensions),
        "user_data": {repr(key): _plain(value) for key, value in doc.user_data.items() if not _is_encoding(key)},
    }


def _is_encoding(key: Any) -> bool:
    """Whether this is where one side or the other keeps hidden states."""
    return (isinstance(key, tuple) and key[:2] == ("._.", TORCH_EXTENSION)) or OUR_KEY in str(key)


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


def _hooks(doc: Doc) -> dict[str, Any]:
    """What functions say that a component has put in the place of spaCy's own."""
    said: dict[str, Any] = {}
    whole = doc[:]
    for kind, owner, hooks in (
        ("doc", doc, doc.user_hooks),
        ("token", doc[0] if len(doc) else None, doc.user_token_hooks),
        ("span", whole, doc.user_span_hooks),
    ):
        for name, hook in hooks.items():
            if owner is None:
                said[f"{kind}.{name}"] = None
            elif name == "similarity":
                said[f"{kind}.{name}"] = _plain(hook(owner, owner))
            else:
                value = hook(owner)
                said[f"{kind}.{name}"] = _plain(list(value) if isinstance(value, Iterator) else value)
    return said


def _extensions(owner: Any, registered: Mapping[Any, Any]) -> dict[str, Any]:
    """Custom attributes and their values; methods wait for arguments and are left out."""
    return {
        f"{CUSTOM}{name}": _plain(getattr(owner._, name))
        for name, (_, method, _, _) in sorted(registered.items())
        if method is None and name != TORCH_EXTENSION
    }


def _sums(matrix: Any) -> list[Any]:
    if matrix is None:
        return []
    values = np.asarray(matrix, dtype=np.float64)
    return [list(values.shape), values.reshape(len(values), -1).sum(axis=1).tolist() if values.size else []]


def _plain(value: Any, depth: int = 0) -> Any:  # noqa: PLR0911
    """A value as JSON can tell it, whatever a component has left on a Doc."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return _sums(value) if value.dtype.kind in "fiub" else [str(item) for item in value.flat]
    if isinstance(value, Span | Token | Doc):
        return [type(value).__name__, str(value)]
    if depth == MAX_DEPTH:
        return type(value).__qualname__
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item, depth + 1) for item in value), key=repr)
    if isinstance(value, bytes):
        return value.hex()
    name = getattr(value, "__qualname__", type(value).__qualname__)
    state = getattr(value, "__dict__", None)
    return [name, _plain(dict(state), depth + 1)] if isinstance(state, Mapping) and not callable(value) else name
