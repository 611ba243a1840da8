"""Hooks of MkDocs: generated reference pages, files outside ``docs`` as pages, and links that lead to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from cli_reference import cli_page
from environment_reference import environment_page
from error_index import errors_page
from linked_files import linked_pages, site_links
from python_reference import python_page

ROOT = Path(__file__).parents[2]
TEST_COMMENT = re.compile(r"^ *<!-- test: .*?-->\n", re.MULTILINE)
ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod|ref):(<code>)[~.]?(?:spacy_lambda\.)?")
"""A role of Sphinx before a name, as docstrings write references."""


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    pages = {
        "reference/cli.md": cli_page(),
        "reference/environment.md": environment_page(),
        "reference/errors.md": errors_page(ROOT / "src" / "spacy_lambda"),
        "reference/python.md": python_page(),
        **linked_pages(ROOT, ["CHANGELOG.md"]),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links out of ``docs`` to the pages of those files; remove the comments of the tests."""
    return TEST_COMMENT.sub("", site_links(markdown, page.file.src_uri, ROOT))


def on_page_content(html: str, **_: Any) -> str:
    """Show references of docstrings as code."""
    return ROLE.sub(r"\1", html)
