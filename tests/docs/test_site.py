"""The documentation as a site: built strictly, with every page in its navigation, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import spacy_lambda
from spacy_lambda import errors
from spacy_lambda.cli import make_app
from tests.docs.blocks import ROOT

pytest.importorskip("mkdocs_autorefs", reason="mkdocs-material and mkdocstrings are not installed")

from mkdocs.commands.build import build
from mkdocs.config import load_config

LOADED = re.compile(r"<(?:script|img|iframe)[^>]* src=\"?(https?:[^\" >]+)|<link[^>]* rel=\"?stylesheet[^>]* href=\"?(https?:[^\" >]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site. In strict mode a broken link, or a page that is not in the navigation, is an error."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch, pytest.WarningsRecorder(_ispytest=True):
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
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


@pytest.mark.slow
def test_the_site_has_every_command_name_and_error(site: Path) -> None:
    reference = site / "reference"
    assert [name for name in commands(get_command(make_app())) if f'id="spacy-lambda-{name}"' not in text_of(reference / "cli" / "index.html")] == []
    python, index = text_of(reference / "python" / "index.html"), text_of(reference / "errors" / "index.html")
    public = {name for name in spacy_lambda.__all__ if name != "__version__" and not hasattr(errors, name)}
    assert {name for name in public if not re.search(rf'id="spacy_lambda\.[\w.]*\.{name}"', python)} == set()
    assert {name for name in spacy_lambda.__all__ if hasattr(errors, name) and f'id="{name.lower()}"' not in index} == set()
    assert ":param" not in python
    assert ":func:" not in python


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    found = {match for page in site.rglob("*.html") for match in LOADED.findall(text_of(page))}
    assert found == set()


@pytest.mark.slow
def test_comments_of_the_tests_are_not_shown(site: Path) -> None:
    assert [page.name for page in site.rglob("*.html") if "<!-- test:" in text_of(page)] == []
