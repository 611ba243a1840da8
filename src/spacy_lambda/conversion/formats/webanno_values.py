"""Cells of WebAnno TSV: layers in the header, labels with the numbers of spans, and escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["FORMAT", "Layer", "escaped_label", "escaped_text", "labels_in", "layers_in", "unescaped"]

FORMAT = "#FORMAT=WebAnno TSV"
NONE, MARK = "_", "*"
PREFIXES = {"#T_SP=": "span", "#T_RL=": "relation", "#T_CH=": "chain"}
BUILT_IN = re.compile(
    r".*\.(?:POS|Lemma|Stem|MorphologicalFeatures|SurfaceForm|Token|Sentence|Dependency|Chunk|SofaChangeAnnotation)"
)
"""Layers of tokens rather than of entities."""

LABEL = re.compile(r"(?P<label>(?:\\.|[^\\|\[])*)(?:\[(?P<number>\d+)\])?(?:\||$)", re.DOTALL)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
RESERVED = re.compile(r"[\\\[\]|_;*\t\n]|->")


@dataclass(frozen=True)
class Layer:
    """A layer, with its columns.

    :param name: Its type.
    :param kind: ``span``, ``relation`` or ``chain``.
    :param features: Names of its features.
    :param column: Its first column.
    """

    name: str
    kind: str
    features: tuple[str, ...]
    column: int

    @property
    def width(self) -> int:
        """Number of its columns."""
        return max(len(self.features), 1)

    @property
    def is_entities(self) -> bool:
        """True if its spans are converted."""
        return self.kind == "span" and BUILT_IN.fullmatch(self.name) is None

    @property
    def label_column(self) -> int:
        """The column of the labels: of the feature ``value``, else of the first that is not an identifier."""
        names = [name for name in self.features if name != "identifier"] or list(self.features)
        name = "value" if "value" in names else names[0] if names else ""
        return self.column + (self.features.index(name) if name else 0)


def layers_in(header: Sequence[str]) -> list[Layer]:
    """Return the layers of a header, in the order of their columns, which begin after number, offsets and token."""
    layers: list[Layer] = []
    column = 3
    for line in header:
        kind = PREFIXES.get(line[:6])
        if kind is not None:
            name, *features = line[6:].rstrip().split("|")
            layers.append(Layer(name, kind, tuple(one for one in features if one), column))
            column += layers[-1].width
    return layers


def labels_in(cell: str) -> Iterator[tuple[str, str | None]]:
    """Yield the labels of a cell, each with the number of its span, if it has one; an empty label for ``*``."""
    if cell in (NONE, ""):
        return
    position = 0
    while position < len(cell):
        found = LABEL.match(cell, position)
        if found is None or found.end() == position:
            yield unescaped(cell[position:]), None
            return
        label = found["label"]
        if label != NONE:
            yield "" if label == MARK else unescaped(label), found["number"]
        position = found.end()


def unescaped(text: str) -> str:
    """Return a text without escapes."""
    return ESCAPE.sub(lambda found: CONTROLS.get(found[1], found[1]), text)


def escaped_label(label: str) -> str:
    """Return a label with escapes."""
    return RESERVED.sub(_escape, label)


def escaped_text(text: str) -> str:
    """Return a text of a sentence with escapes."""
    return re.sub(r"[\\\n\r\t\b\f]", _escape, text) if "\\" in text or not text.isprintable() else text


def _escape(found: re.Match[str]) -> str:
    return {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}.get(found[0], f"\\{found[0]}")
