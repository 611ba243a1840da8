"""Texts that durations are measured on: a sample of the user's, or a built-in one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.errors import SizingError

__all__ = ["BUILT_IN_TEXTS", "Texts", "read_texts", "sample_texts"]

MAX_TEXTS = 30


@dataclass(frozen=True)
class Texts:
    """Texts that latency is measured on.

    :param source: Where they come from, in words.
    :param texts: A sample of them, none of which is blank.
    """

    source: str
    texts: tuple[str, ...]


def read_texts(path: Path) -> Texts:
    """Read texts of the user's choice.

    :param path: A folder of ``.txt`` files, or a ``.txt``, ``.jsonl`` or ``.spacy`` file.
    :raises SizingError: If it has only blank texts.
    :raises SpacyLambdaError: If it cannot be read.
    """
    # First, so that spaCy is imported without its command line.
    from spacy_lambda.runtime.spacy_import import spacy  # isort: skip
    from spacy_lambda.compiler.texts import read_docs

    nlp = spacy.blank("xx")
    nlp.max_length = sys.maxsize  # the function splits longer ones
    found = sample_texts(str(path), (doc.text for doc in read_docs(path, nlp)))
    if not found.texts:
        raise SizingError(f"{path} has only blank texts", remedy="name a file with texts like those of the callers")
    return found


def sample_texts(source: str, found: Iterable[str]) -> Texts:
    """Return a sample of texts, without blank ones.

    :param source: Their origin, in words.
    """
    return Texts(source, tuple(_spread([text for text in found if text.strip()])))


def _spread(texts: Sequence[str]) -> list[str]:
    """Return a sample that is spread evenly, because files may be sorted by length."""
    if len(texts) <= MAX_TEXTS:
        return list(texts)
    return [texts[number * len(texts) // MAX_TEXTS] for number in range(MAX_TEXTS)]


BUILT_IN_TEXTS = Texts(
    "the built-in sample",
    (
        "Thin films of iron oxide were grown on silicon by molecular beam epitaxy at 450 °C, and annealed in oxygen for"
        " two hours.",
        "In March 2021 the Norwegian company Equinor and the University of Oslo opened a laboratory in Bergen, which"
        " cost 40 million euros. Its director, Dr. Ingrid Solberg, expects twelve doctoral students and two new"
        " electron microscopes by the end of the year; the city pays a third of the rent. Most of the equipment comes"
        " from Stavanger, where an older institute was closed in 2019.",
        "The phase field model predicts how cracks propagate in solid electrolytes. We compare its results with"
        " tomograms of 38 cells that were charged at three rates and four temperatures. At low rates, cracks begin at"
        " pores near the lithium anode and stop at grain boundaries; at high rates they run through the grains, and"
        " the cell fails within a hundred cycles. A coating of aluminium oxide, 20 nm thick, delays the first crack"
        " by a factor of five. The model reproduces both regimes with one set of parameters, which we took from"
        " bending tests. It fails for cells with more than eight per cent of porosity, where cracks join. We conclude"
        " that the density of the pressed powder matters more than its chemistry, and give a range of pressures that"
        " keeps the porosity below that limit. Data and code are available from the authors.",
    ),
)
"""A sentence, a paragraph and an abstract."""
