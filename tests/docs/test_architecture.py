"""The pages about the architecture name every module, and no module that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import spacy_lambda

SOURCE = Path(spacy_lambda.__file__).parent
PAGES = sorted((Path(__file__).parents[2] / "docs" / "architecture").glob("*.md"))
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
PAGE_OF = {
    package: next(page for page in PAGES if page.name.startswith(number)).read_text(encoding="utf-8")
    for package, number in (
        ("core/artifact/", "20"),
        ("core/source/", "20"),
        ("runtime/cache/", "20"),
        ("store/", "20"),
        ("pipeline_wheel/", "20"),
        ("compiler/", "10"),
        ("bundler/", "30"),
        ("packages/", "30"),
        ("pipeline/", "30"),
        ("runtime/", "40"),
        ("cdk/", "50"),
        ("config/", "50"),
        ("deploy/", "50"),
        ("doctor/", "50"),
        ("rehearsal/", "50"),
        ("client/", "60"),
        ("local/", "60"),
        ("sizing/", "60"),
        ("testing/", "60"),
        ("corpus/", "70"),
        ("training/", "80"),
        ("evaluation/", "90"),
        ("conversion/", "75"),
        ("", "00"),
    )
}
"""Text of the page of each package; the first that fits counts."""

WITHOUT_A_PAGE = {"__init__", "__main__", "cli", "errors", "extras"}
MODULES = sorted(
    path.relative_to(SOURCE).with_suffix("").as_posix()
    for path in SOURCE.rglob("*.py")
    if path.name != "__init__.py" and path.relative_to(SOURCE).parts[0].removesuffix(".py") not in WITHOUT_A_PAGE
)
PATHS = sorted(set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.py)`", TEXT)))


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_on_the_page_of_its_package(module: str) -> None:
    page = next(text for package, text in PAGE_OF.items() if module.startswith(package))
    name = module.rpartition("/")[2]
    assert re.search(rf"[`/]{name}(?:\.py)?`", page)


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path: str) -> None:
    assert (SOURCE / path).is_file()


def test_the_overview_links_every_page() -> None:
    assert [page.name for page in PAGES if f"]({page.name})" not in TEXT and page.name != "00-overview.md"] == []
    assert PAGES[0].name == "00-overview.md"
