"""Cells of WebAnno TSV: layers in the header, labels with the numbers of spans, and escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "FIRST_COLUMN",
    "FORMAT",
    "VERSION_2",
    "Layer",
    "escaped_label",
    "escaped_text",
    "labels_in",
    "layers_in",
    "unescaped",
]

FORMAT = "#FORMAT=WebAnno TSV"
VERSION_2 = re.compile(rb"(?:[ ]?#[^\n]*\n|[ \t\r]*\n)*+1-1\t")
"""The beginning of a file of WebAnno TSV 2: lines with the layers and a sentence's text, and its first token."""
NONE, MARK = "_", "*"
FIRST_COLUMN = 3
PREFIXES = {"#T_SP=": "span", "#T_RL=": "relation", "#T_CH=": "chain"}
BUILT_IN = "de.tudarmstadt.ukp.dkpro.core.api."
TOKEN_LAYERS = tuple(f"{BUILT_IN}{package}." for package in ("lexmorph", "segmentation", "syntax", "transform"))
"""Beginnings of the names of built-in layers of tokens rather than of entities."""

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
        """True if its spans are converted, unless the user names another."""
        return self.kind == "span" and not self.name.startswith(TOKEN_LAYERS)

    @property
    def short_name(self) -> str:
        """The last part of its name."""
        return self.name.rpartition(".")[2]

    @property
    def label_feature(self) -> str:
        """The feature of the labels: ``value``, else the first that is not an identifier; empty if it has none.

        Slots have two columns, with roles and targets: ``ROLE_…``, and a type, which has full stops.
        """
        values = [name for name in self.features if not name.startswith("ROLE_") and "." not in name]
        names = [name for name in values if name != "identifier"] or values
        return "value" if "value" in names else names[0] if names else ""

    def feature_column(self, feature: str) -> int:
        """Return the column of a feature; the first if the layer has none."""
        return self.column + (self.features.index(feature) if feature else 0)

    def chosen_feature(self, place: str | None) -> str | None:
        """Return the feature of the labels; ``None`` if the layer is not converted.

        :param place: The layer that the user names, or a feature of it after a full stop.
        """
        if place is None:
            return self.label_feature if self.is_entities else None
        if self.kind != "span":
            return None
        if place in (self.name, self.short_name):
            return self.label_feature
        found = [one for one in self.features if place in (f"{self.name}.{one}", f"{self.short_name}.{one}")]
        return found[0] if found else None


def layers_in(header: Sequence[str]) -> list[Layer]:
    """Return the layers of a header, in the order of their columns, which begin after number, offsets and token.

    :raises KeyError: If a layer is of an unknown kind, whose columns are not known either.
    """
    layers: list[Layer] = []
    column = FIRST_COLUMN
    for line in header:
        name, *features = line[6:].rstrip().split("|")
        layers.append(Layer(name, PREFIXES[line[:6]], tuple(one for one in features if one), column))
        column += layers[-1].width
    return layers


def is_version_2(content: bytes) -> bool:
    """Return whether a file is WebAnno TSV 2, which begins with its layers, or the text of a sentence."""
    found = VERSION_2.match(content)
    return found is not None and (b"#text=" in found[0] or b"# webanno.custom." in found[0] or b"# de." in found[0])


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
