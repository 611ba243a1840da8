"""The pages about the architecture name every module, and no module that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_every_module_is_on_the_page_of_its_package() -> None:
    named = {package: set(re.findall(r"[`/]([a-z0-9_]+)(?:\.py)?`", page)) for package, page in PAGE_OF.items()}
    package_of = {module: next(package for package in PAGE_OF if module.startswith(package)) for module in MODULES}
    assert [one for one, package in package_of.items() if one.rpartition("/")[2] not in named[package]] == []
    assert len(MODULES) > 100


def test_every_path_exists() -> None:
    assert [path for path in PATHS if not (SOURCE / path).is_file()] == []
    assert len(PATHS) > 10


def test_the_overview_links_every_page() -> None:
    assert [page.name for page in PAGES if f"]({page.name})" not in TEXT and page.name != "00-overview.md"] == []
    assert PAGES[0].name == "00-overview.md"
