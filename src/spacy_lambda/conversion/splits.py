"""Documents -> train, dev and test, with documents of one group or with one text in the same split."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from spacy_lambda.conversion.annotated_document import AnnotatedDocument
from spacy_lambda.core.counts import count
from spacy_lambda.errors import CorpusError

__all__ = ["SPLIT_NAMES", "SplitSizes", "split_documents", "with_one_group"]

SPLIT_NAMES = ("train", "dev", "test")


@dataclass(frozen=True)
class SplitSizes:
    """Sizes of the splits, in any unit: ``80/10/10``.

    :param parts: Sizes of train, dev and, if there are three, test.
    """

    parts: tuple[float, ...]

    @classmethod
    def of(cls, text: str) -> SplitSizes:
        """Read sizes as a user writes them.

        :raises CorpusError: If there are not two or three positive numbers.
        """
        try:
            parts = tuple(float(part) for part in text.split("/"))
        except ValueError:
            parts = ()
        if len(parts) not in (2, 3) or not all(0 < part < float("inf") for part in parts):
            raise CorpusError(
                f"--split {text!r} is invalid", remedy="write two or three sizes, as in 80/10/10 or 90/10"
            )
        return cls(parts)


def split_documents(
    documents: Sequence[AnnotatedDocument], sizes: SplitSizes, seed: int
) -> dict[str, list[AnnotatedDocument]]:
    """Return the documents of each split, in their order.

    :raises CorpusError: If there are fewer groups than splits.
    """
    groups = _groups(documents)
    names = SPLIT_NAMES[: len(sizes.parts)]
    if len(groups) < len(names):
        raise CorpusError(
            f"{count(len(groups), 'group')} of documents cannot be split into {len(names)}: documents of one source or"
            " with one text stay together",
            remedy="convert more documents, or leave --split out",
        )
    random.Random(seed).shuffle(groups)
    total = sum(sizes.parts)
    target = [len(documents) * part / total for part in sizes.parts]
    chosen: list[list[int]] = [[] for _ in names]
    for left, group in zip(range(len(groups), 0, -1), groups, strict=True):
        empty = [index for index, one in enumerate(chosen) if not one]
        among = empty if left <= len(empty) else range(len(names))
        best = max(among, key=lambda index: (target[index] - len(chosen[index])) / target[index])
        chosen[best] += group
    return {name: [documents[index] for index in sorted(one)] for name, one in zip(names, chosen, strict=True)}


def with_one_group(documents: Sequence[AnnotatedDocument]) -> list[AnnotatedDocument]:
    """Return the documents with one group in place of several that they share, as formats hold one."""
    roots = _roots([_group_keys(document) for document in documents])
    names = [document.group or next(iter(document.other_groups), None) for document in documents]
    return [
        replace(document, group=None if own is None else names[root], other_groups=())
        for document, own, root in zip(documents, names, roots, strict=True)
    ]


def _groups(documents: Sequence[AnnotatedDocument]) -> list[list[int]]:
    """Return the indexes of documents that share a group or a text, in the order of the first of each."""
    texts = [("text", " ".join(document.text.split()).casefold()) for document in documents]
    roots = _roots([[text, *_group_keys(document)] for text, document in zip(texts, documents, strict=True)])
    groups: dict[int, list[int]] = {}
    for index, root in enumerate(roots):
        groups.setdefault(root, []).append(index)
    return list(groups.values())


def _group_keys(document: AnnotatedDocument) -> list[tuple[str, str]]:
    return [("group", group) for group in (document.group, *document.other_groups) if group]


def _roots(keys: Sequence[Sequence[tuple[str, str]]]) -> list[int]:
    """Return for each document the index of the first one that it shares a key with, directly or through others."""
    roots = list(range(len(keys)))

    def root(index: int) -> int:
        while roots[index] != index:
            roots[index] = roots[roots[index]]
            index = roots[index]
        return index

    seen: dict[tuple[str, str], int] = {}
    for index, own in enumerate(keys):
        for key in own:
            first = root(seen.setdefault(key, index))
            other = root(index)
            roots[max(first, other)] = min(first, other)
    return [root(index) for index in range(len(keys))]
