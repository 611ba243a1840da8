"""The treemap of a bundle."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda.bundler.treemap import BAR, COLOURS, MAP, REST_COLOUR, treemap_svg
from spacy_lambda.core.files import file_sizes

SVG = "{http://www.w3.org/2000/svg}"
MB = 1_000_000
LIMIT = 262_144_000
SIZES = {
    "spacy/lang/en.py": 6 * MB,
    "spacy/lang/de.py": 3 * MB,
    "spacy/pipe.so": 20 * MB,
    "spacy/tiny.py": 100,
    "model/weights.bin": 60 * MB,
    "typing.py": 11 * MB,
    "typing.pyc": 0,
    **{f"small-{number}.dist-info/METADATA": 1000 * number for number in range(1, 4)},
}

# Any file name, except the slash and characters that cannot be written.
names = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=30)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@st.composite
def files(draw: st.DrawFn) -> dict[str, int]:
    """Sizes by path; no path is the folder of another."""
    found = draw(st.dictionaries(paths, st.integers(0, 2**40), max_size=40))
    return {path: size for path, size in found.items() if not any(other.startswith(f"{path}/") for other in found)}


def rects(svg: str, kind: str) -> list[tuple[str, dict[str, float]]]:
    """Return each rectangle's tooltip and position."""
    return [
        (rect.findtext(f"{SVG}title", ""), {name: float(rect.attrib[name]) for name in ("x", "y", "width", "height")})
        for rect in ElementTree.fromstring(svg).iter(f"{SVG}rect")
        if rect.attrib["class"] == kind
    ]


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def test_the_drawn_parts() -> None:
    svg = treemap_svg(SIZES, limit=LIMIT, title="A bundle")
    assert {tooltip for tooltip, _ in rects(svg, "tile")} == {
        "model/weights.bin: 60.0 MB",
        "spacy/pipe.so: 20.0 MB",
        "spacy/lang/: 9.0 MB",
        "spacy/1 more: 0.0 MB",
        "typing.py: 11.0 MB",
        "3 more: 0.0 MB",
    }
    assert [tooltip for tooltip, _ in rects(svg, "used")] == [
        "model/ 60.0 MB",
        "spacy/ 29.0 MB",
        "typing.py 11.0 MB",
        "3 more 0.0 MB",
    ]
    root = ElementTree.fromstring(svg)
    figures = "100.0 MB of 262.1 MB, 162.1 MB left"
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}title") == "A bundle"
    assert root.findtext(f"{SVG}desc") == (
        f"{figures}: model/ 60.0 MB, spacy/ 29.0 MB, typing.py 11.0 MB, 3 more 0.0 MB"
    )
    assert texts(svg) == [
        "A bundle",
        "model/ 60.0 MB",
        "pipe.so 20.0 MB",
        "lang/ 9.0 MB",
        "spacy/ 29.0 MB",
        "typing.py 11.0 MB",
        figures,
    ]


def test_the_bar_ends_where_the_bytes_do() -> None:
    svg = treemap_svg({"a": 50, "b": 30}, limit=160, title="")
    assert [box["width"] for _, box in rects(svg, "used")] == [300.0, 180.0]
    ((_, limit),) = rects(svg, "words limit")
    assert limit["x"] == BAR.x + BAR.width - 1


def test_more_than_the_limit() -> None:
    svg = treemap_svg({"a": 300 * MB, "b": 20 * MB}, limit=240 * MB, title="")
    assert texts(svg)[-1] == "320.0 MB of 240.0 MB, 80.0 MB over the limit"
    ((_, limit),) = rects(svg, "words limit")
    assert limit["x"] == BAR.x + BAR.width * 0.75 - 1


def test_nothing_at_all() -> None:
    svg = treemap_svg({}, limit=0, title="")
    assert rects(svg, "tile") == rects(svg, "part") == []
    assert texts(svg)[-1] == "0.0 MB of 0.0 MB, 0.0 MB left"


def test_a_label_is_cut_to_its_tile() -> None:
    name = "a-name-that-is-much-too-long-for-a-tenth-of-the-width.so"
    sizes = {"wide/a": 9 * MB, f"wide/{name}": MB}
    (label,) = (text for text in texts(treemap_svg(sizes, limit=LIMIT, title="")) if text.endswith("…"))
    assert name.startswith(label[:-1])
    root = ElementTree.fromstring(treemap_svg(sizes, limit=LIMIT, title=""))
    (clip,) = (clip for clip in root.iter(f"{SVG}svg") if clip.findtext(f"{SVG}text") == label)
    assert float(clip.attrib["width"]) == pytest.approx(MAP.width / 10, abs=0.01)


@given(sizes=files(), limit=st.integers(1, 2**40))
def test_areas_are_bytes(sizes: dict[str, int], limit: int) -> None:
    """Tiles and parts are within the map; edges are written with two decimals."""
    svg = treemap_svg(sizes, limit=limit, title="")
    total = sum(sizes.values())
    for kind in ("tile", "part"):
        areas = [box["width"] * box["height"] for _, box in rects(svg, kind)]
        assert sum(areas) == pytest.approx(MAP.width * MAP.height if total else 0, rel=0.001)
    for _, box in rects(svg, "tile"):
        assert min(box.values()) >= 0
        assert MAP.x - 0.02 <= box["x"] <= box["x"] + box["width"] <= MAP.x + MAP.width + 0.02
        assert MAP.y - 0.02 <= box["y"] <= box["y"] + box["height"] <= MAP.y + MAP.height + 0.02


@given(sizes=st.lists(st.integers(1, 10**12), min_size=1, max_size=40))
def test_each_area_is_its_bytes(sizes: list[int]) -> None:
    svg = treemap_svg({f"{number}": size for number, size in enumerate(sizes)}, limit=LIMIT, title="")
    total = sum(sizes)
    drawn = {tooltip.partition(":")[0]: box["width"] * box["height"] for tooltip, box in rects(svg, "tile")}
    shares = {f"{number}": size / total for number, size in enumerate(sizes) if size >= total / 200}
    rest = [size for size in sizes if size < total / 200]
    if rest:
        shares[f"{len(rest)} more"] = sum(rest) / total
    expected = {name: share * MAP.width * MAP.height for name, share in shares.items()}
    assert drawn == pytest.approx(expected, rel=0.01, abs=10)


@given(sizes=files(), title=st.text())
def test_every_name_can_be_written(sizes: dict[str, int], title: str) -> None:
    svg = treemap_svg(sizes, limit=LIMIT, title=title)
    assert svg == treemap_svg(dict(reversed(sizes.items())), limit=LIMIT, title=title)
    root = ElementTree.fromstring(svg.encode())
    assert root.findtext(f"{SVG}title") == shown(title)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "style", "rect", "text")
    }


def test_names_are_escaped() -> None:
    svg = treemap_svg({"<b>&\x00\ud800/x": MB}, limit=LIMIT, title="<script>")
    assert texts(svg)[:2] == ["<script>", "<b>&\ufffd\ufffd/ 1.0 MB"]
    assert "<script>" not in svg


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [*COLOURS, REST_COLOUR])
def test_white_letters_can_be_read(colour: str) -> None:
    """https://www.w3.org/TR/WCAG22/#contrast-minimum"""
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def test_sizes_of_files(tmp_path: Path) -> None:
    for name, size in {"b": 2, "a/c": 0, "a-d": 5}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"." * size)
    assert list(file_sizes(tmp_path).items()) == [("a-d", 5), ("a/c", 0), ("b", 2)]
