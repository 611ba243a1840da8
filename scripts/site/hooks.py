"""Hooks of MkDocs: generated sections, files outside ``docs`` as pages, and links that lead to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from cli_reference import commands
from environment_reference import variables
from error_index import errors
from linked_files import linked_pages, site_links
from page_text import site_text
from python_reference import package_names, public_names

ROOT = Path(__file__).parents[2]
LITERAL = re.compile(r"<p>::</p>\s*")
SECTIONS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "errors": errors,
    "package_names": package_names,
    "public_names": public_names,
    "variables": variables,
}
"""What takes the place of a comment ``generated: NAME`` in a page."""

SEARCH_BOOSTS = {"packages": 0.01, "python": 0.1, "architecture/": 0.1, "files/": 0.1, "cli": 0.2, "configuration": 0.7}
"""Ranks of pages in the search, by the beginnings of their paths, against 1: long lists have every word many times, and
most readers look for the page that explains it."""

ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod|ref):(<code>)[~.]?(?:spacy_lambda\.)?")
"""A role of Sphinx before a name, as docstrings write references."""


def on_config(config: Any) -> Any:
    """Append pages that the navigation does not name yet: none is lost."""
    named = set(_pages(config.nav))
    docs = Path(config.docs_dir)
    others = sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
    more = [page for page in others if page not in named]
    if more:
        config.nav.append({"More": more})
    return config


def _pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for part in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(part)


def on_files(files: Files, config: Any) -> Files:
    """Add pages of files outside ``docs``."""
    for path, text in linked_pages(ROOT, ["CHANGELOG.md"]).items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Insert what is generated, lead links out of ``docs`` to their pages, and remove the comments of the tests."""
    path = page.file.src_uri
    boost = next((rank for start, rank in SEARCH_BOOSTS.items() if path.startswith(start)), None)
    if boost is not None:
        page.meta["search"] = {"boost": boost}
    return site_links(site_text(markdown, SECTIONS), path, ROOT)


def on_page_content(html: str, **_: Any) -> str:
    """Show references of docstrings as code, and code after two colons without these."""
    return LITERAL.sub("", ROLE.sub(r"\1", html)).replace("::</p>", ":</p>")
