"""The documentation as a site: built strictly, with every name in its reference, and nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import spacy_lambda
from spacy_lambda import errors
from spacy_lambda.cli import make_app
from spacy_lambda.core import env_names
from tests.docs.blocks import ROOT
from tests.docs.public_names import public_methods, public_names

pytest.importorskip("mkdocs_autorefs", reason="mkdocs-material and mkdocstrings are not installed")

from mkdocs.commands.build import build
from mkdocs.config import load_config

LOADED = re.compile(r"<(?:script|img|iframe|link)[^>]* (?:src|href)=\"?(https?:[^\" >]+)")

CELL = re.compile(r"<td>.*?</td>", re.DOTALL)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site; a broken link is an error."""
    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True))
    return folder


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield "-".join((*path, name))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_the_reference_has_every_command_variable_and_error(site: Path) -> None:
    cli, index, variables = (text_of(site / name / "index.html") for name in ("cli", "troubleshoot", "environment"))
    assert [name for name in commands(get_command(make_app())) if f'id="spacy-lambda-{name}"' not in cli] == []
    classes = [name for name in spacy_lambda.__all__ if hasattr(errors, name)]
    assert [name for name in classes if f'id="{name.lower()}"' not in index] == []
    ours = [value for value in vars(env_names).values() if str(value).startswith(env_names.PREFIX)]
    assert [name for name in ours if name != env_names.PREFIX and name not in variables] == []


def test_the_reference_of_python_has_every_public_name(site: Path) -> None:
    pages = "".join(text_of(site / name / "index.html") for name in ("python", "packages"))
    known = [one.path for one in public_names() if one.module != errors.__name__]
    assert [path for path in known if f'id="{path}"' not in pages] == []
    methods = [method for name in public_names() for method in public_methods(name)]
    assert [one.path for one in methods if one.module != errors.__name__ and f'id="{one.path}"' not in pages] == []
    assert not re.search(r":param|:(?:func|class|meth|mod):", pages)


def test_every_page_is_in_the_navigation(site: Path) -> None:
    home = text_of(site / "index.html")
    pages = [path.parent.relative_to(site).as_posix() for path in site.rglob("index.html") if path.parent != site]
    assert [page for page in pages if page.partition("/")[0] != "files" and f'href="{page}/"' not in home] == []


def test_pages_that_explain_are_found_before_lists_of_names(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    boosts = {one["location"]: one.get("boost", 1) for one in index}
    assert max(boosts[page] for page in ("packages/", "architecture/50-deploy/", "files/CONTRIBUTING/")) < 0.2
    assert {boosts[page] for page in ("corpus/", "convert/", "compile/", "operate/", "questions/")} == {1}
    assert boosts["cli/"] < 1


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    assert {match for page in site.rglob("*.html") for match in LOADED.findall(text_of(page))} == set()


def test_no_cell_of_a_table_shows_a_backslash_before_a_pipe(site: Path) -> None:
    cells = ((page, cell) for page in site.rglob("index.html") for cell in CELL.findall(text_of(page)))
    assert [(page.parent.name, cell) for page, cell in cells if "\\|" in cell] == []


def test_the_contents_of_a_section_are_in_its_page_only(site: Path) -> None:
    pages = {page.parent.name for page in site.rglob("index.html") if 'id="spacy-lambda-compile"' in text_of(page)}
    assert pages == {"cli"}
    assert not any("Outside the site" in text_of(page) for page in site.rglob("index.html"))


def test_comments_of_the_tests_are_not_shown(site: Path) -> None:
    assert [page.name for page in site.rglob("*.html") if "<!-- test:" in text_of(page)] == []
