"""Annotations of an original that change from run to run: no compiled pipeline can reproduce them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.compiler.agreement import shared_keys
from spacy_lambda.compiler.annotations import Items, annotations_of
from spacy_lambda.compiler.stepwise import ComponentRunner

__all__ = ["Annotations", "Places", "RepeatedRun", "is_same", "leave_out", "unsteady_places"]

Annotations = dict[str, Items]
Place = tuple[int | None, int | None]

Places = dict[str, frozenset[Place] | None]
"""The places of each kind of annotation at which the values change; ``None`` where the places themselves do."""

RUNS = 2


class RepeatedRun:
    """Runs an original on a text by itself, several times.

    :param nlp: The original.
    """

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._runner = ComponentRunner(nlp)

    def __call__(self, text: str) -> list[Mapping[str, Annotations]]:
        """Return the Doc's annotations after each component, once for each run."""
        return [self._run(text) for _ in range(RUNS)]

    def _run(self, text: str) -> Mapping[str, Annotations]:
        docs = self._runner.tokenize([text])
        found = {}
        for name in ("tokenizer", *self._nlp.pipe_names):
            docs = docs if name == "tokenizer" else self._runner.run(name, docs)
            found[name] = annotations_of(docs[0]) if isinstance(docs[0], Doc) else {}
        return found


def is_same(first: Annotations, second: Annotations) -> bool:
    """Return whether two Docs have the same annotations."""
    return all(not _differing(first.get(kind, {}), second.get(kind, {})) for kind in first.keys() | second.keys())


def unsteady_places(first: Annotations, again: Sequence[Annotations]) -> Places:
    """Return the places at which the runs of an original differ."""
    found: Places = {}
    for other in again:
        for kind in first.keys() | other.keys():
            old, new = first.get(kind, {}), other.get(kind, {})
            differing = _differing(old, new)
            if not differing:
                continue
            stays = {key[:2] for key in old} == {key[:2] for key in new} and found.get(kind, ()) is not None
            found[kind] = (found.get(kind) or frozenset()) | differing if stays else None
    return found


def leave_out(annotations: Annotations, unsteady: Places) -> Annotations:
    """Return annotations without those at unsteady places."""
    kept = dict(annotations)
    for kind, places in unsteady.items():
        if kind in kept:
            kept[kind] = {} if places is None else {k: v for k, v in kept[kind].items() if k[:2] not in places}
    return kept


def _differing(first: Items, second: Items) -> frozenset[Place]:
    shared = shared_keys(first, second)
    return frozenset(key[:2] for key in first.keys() | second.keys() if key not in shared)
