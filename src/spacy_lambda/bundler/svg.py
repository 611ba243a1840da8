"""What an SVG picture is drawn with: rectangles and words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from xml.etree.ElementTree import Element, SubElement

__all__ = ["Box", "add_clip", "add_rect", "add_text", "add_words", "new_picture"]


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float


def new_picture(page: Box, *, title: str, description: str, style: str) -> Element:
    """A picture that screen readers call by its title, and can describe."""
    view = f"{page.x:g} {page.y:g} {page.width:g} {page.height:g}"
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": view, "role": "img"})
    add_text(svg, "title", title)
    add_text(svg, "desc", description)
    SubElement(svg, "style").text = style
    return svg


def add_rect(parent: Element, box: Box, kind: str, colour: str = "", told: str = "") -> None:
    """A rectangle.

    :param kind: Its classes.
    :param told: What a pointer over it shows.
    """
    fill = {"fill": colour} if colour else {}
    rect = SubElement(parent, "rect", {"class": kind, **_attributes(box), **fill})
    if told:
        add_text(rect, "title", told)


def add_clip(parent: Element, box: Box) -> Element:
    """A picture in the picture, with coordinates of its own: nothing is drawn beyond its edges."""
    return SubElement(parent, "svg", _attributes(box))


def add_words(parent: Element, words: str, x: float, y: float, kind: str, halo: str = "") -> None:
    """One line of words.

    :param x: Where it begins.
    :param y: Where it stands.
    :param halo: A colour around the letters.
    """
    stroke = {"stroke": halo} if halo else {}
    add_text(parent, "text", words, {"class": kind, "x": f"{x:.2f}", "y": f"{y:.2f}", **stroke})


def add_text(parent: Element, tag: str, text: str, attributes: dict[str, str] | None = None) -> None:
    """Text without what XML cannot have, such as control characters, which names of files may have."""
    clean = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    SubElement(parent, tag, attributes or {}).text = clean


def _attributes(box: Box) -> dict[str, str]:
    return {name: f"{value:.2f}" for name, value in asdict(box).items()}
