"""What an original says differently each time it is asked: no compiled pipeline can say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from spacy_lambda.compiler.agreement import shared_keys
from spacy_lambda.compiler.annotations import Items, annotations_of
from spacy_lambda.compiler.stepwise import Stages

__all__ = ["Annotations", "AskedAgain", "Wandering", "agree", "unsteady", "without"]

Annotations = dict[str, Items]
Place = tuple[int | None, int | None]

Wandering = dict[str, frozenset[Place] | None]
"""Of each kind, where the values change; ``None`` where the places themselves do."""

TIMES = 2


class AskedAgain:
    """An original that is asked for a text once more, by itself.

    :param nlp: The original.
    """

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._stages = Stages(nlp)

    def __call__(self, text: str) -> list[Mapping[str, Annotations]]:
        """What is on the Doc after each component, several times."""
        return [self._said(text) for _ in range(TIMES)]

    def _said(self, text: str) -> Mapping[str, Annotations]:
        docs = self._stages.tokenize([text])
        said = {}
        for name in ("tokenizer", *self._nlp.pipe_names):
            docs = docs if name == "tokenizer" else self._stages.run(name, docs)
            said[name] = annotations_of(docs[0]) if isinstance(docs[0], Doc) else {}
        return said


def agree(first: Annotations, second: Annotations) -> bool:
    """Whether two Docs have the same annotations."""
    return all(not _differing(first.get(kind, {}), second.get(kind, {})) for kind in first.keys() | second.keys())


def unsteady(first: Annotations, again: Sequence[Annotations]) -> Wandering:
    """What one answer of the original says, and another does not."""
    found: Wandering = {}
    for other in again:
        for kind in first.keys() | other.keys():
            old, new = first.get(kind, {}), other.get(kind, {})
            differing = _differing(old, new)
            if not differing:
                continue
            stays = {key[:2] for key in old} == {key[:2] for key in new} and found.get(kind, ()) is not None
            found[kind] = (found.get(kind) or frozenset()) | differing if stays else None
    return found


def without(said: Annotations, wandering: Wandering) -> Annotations:
    """Annotations but for those that are not steady."""
    kept = dict(said)
    for kind, places in wandering.items():
        if kind in kept:
            kept[kind] = {} if places is None else {k: v for k, v in kept[kind].items() if k[:2] not in places}
    return kept


def _differing(first: Items, second: Items) -> frozenset[Place]:
    shared = shared_keys(first, second)
    return frozenset(key[:2] for key in first.keys() | second.keys() if key not in shared)
