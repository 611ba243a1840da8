"""Markdown of the site's pages: generated sections in their places only, and nothing that MkDocs would not take."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from typer.main import get_command

from spacy_lambda.cli import make_app
from tests.docs.blocks import PAGES, ROOT

SECTIONS: Mapping[str, Callable[[], str]] = {"commands": lambda: "| `a\\|b` | c |", "errors": lambda: "## Errors"}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return a function that imports a module of the site's scripts."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts" / "site"))
    return importlib.import_module


@pytest.fixture
def site_text(site: Callable[[str], Any]) -> Callable[[str], str]:
    """Return the function that makes a page of the site, with short sections."""
    module = site("page_text")
    return lambda markdown: str(module.site_text(markdown, SECTIONS))


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("# A\n\n<!-- generated: errors -->\n\nb\n", "# A\n\n## Errors\n\nb\n"),
        ("<!-- generated: errors -->\nRead the site.\n<!-- generated: end -->\nb\n", "## Errors\nb\n"),
        ("in place of `<!-- generated: errors -->`\n", "in place of `<!-- generated: errors -->`\n"),
        ("```\n<!-- generated: errors -->\n```\n", "```\n<!-- generated: errors -->\n```\n"),
        ("<!-- test: skip=x -->\n```console\n$ a\n```\n", "```console\n$ a\n```\n"),
        ("| `a\\|b` | c\\|d |\n", "| `a|b` | c\\|d |\n"),
        ("a `b\\|c`\n", "a `b\\|c`\n"),
        ("<!-- generated: commands -->\n", "| `a|b` | c |\n"),
    ],
)
def test_text(page: str, shown: str, site_text: Callable[[str], str]) -> None:
    assert site_text(page) == shown


def test_every_generated_section_is_in_one_page_and_named_by_the_hooks(site: Callable[[str], Any]) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs-material is not installed")
    named = [
        name for page in PAGES for name in re.findall(r"^<!-- generated: (?!end)(\w+) -->$", page.read_text(), re.M)
    ]
    assert sorted(named) == sorted(site("hooks").SECTIONS)


def test_the_reference_of_commands_lists_nothing_hidden(site: Callable[[str], Any]) -> None:
    module = site("cli_reference")
    listed = module.commands()
    assert "### spacy-lambda bundle" in listed
    assert "### spacy-lambda image push" in listed
    hidden = [
        (path, one.name)
        for path, command in module._commands(get_command(make_app()))
        for one in command.params
        if one.hidden and f"`{one.metavar or one.name.upper()}`" in listed
    ]
    assert hidden == []
    synopses = dict(re.findall(r"^spacy-lambda (push|image push|bundle) \[OPTIONS\] (.*)$", listed, re.M))
    assert synopses == {"push": "PIPELINE STORE", "image push": "BUNDLE DESTINATION", "bundle": "PIPELINE [OUT]"}
