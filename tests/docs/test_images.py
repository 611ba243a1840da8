"""Images of the documentation: made by the script, small, and shown on a page with a text in their place."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import PAGES, ROOT

SCRIPT = ROOT / "scripts" / "screenshots.py"
SUFFIXES = (".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
FILES = sorted(path for path in (ROOT / "docs").rglob("*") if path.suffix in SUFFIXES)


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def shown() -> Iterator[tuple[Path, str]]:
    """Yield each image that a page shows, with the text in its place."""
    for page in PAGES:
        for alternative, target in IMAGE.findall(page.read_text(encoding="utf-8")):
            if "://" not in target:
                yield (page.parent / target).resolve(), alternative


def test_the_script_makes_every_image(script: dict[str, Any]) -> None:
    assert [path.name for path in FILES] == sorted(script["IMAGES"])
    assert {path.parent for path in FILES} == {script["FOLDER"]}


def test_every_image_is_shown_with_a_text() -> None:
    assert {path for path, _ in shown()} == set(FILES)
    assert [path.name for path, alternative in shown() if len(alternative.split()) < 4] == []


def test_images_are_small() -> None:
    assert [path.name for path in FILES if path.stat().st_size > 150_000] == []
    assert sum(path.stat().st_size for path in FILES) < 1_000_000


def test_the_plot_is_that_of_the_prices(script: dict[str, Any], tmp_path: Path) -> None:
    script["IMAGES"]["cost.svg"](tmp_path / "cost.svg")
    made, kept = tmp_path / "cost.svg", script["FOLDER"] / "cost.svg"
    assert made.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), "make screenshots"
