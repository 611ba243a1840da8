"""Files outside ``docs`` to which pages link -> pages: Markdown as it is, folders as lists, others as code."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from notebook_page import notebook_page

LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
FENCE = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)
LANGUAGES = {
    ".py": "python",
    ".tf": "hcl",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".json": "json",
    ".ini": "ini",
}
FOLDER = "files"
"""Folder of these pages in the site."""


def linked_pages(root: Path, always: list[str]) -> dict[str, str]:
    """Return the pages of all files and folders outside ``docs`` that pages link to, and those that these link to.

    :param always: Files that have a page in any case.
    """
    waiting = [*always]
    for page in sorted((root / "docs").rglob("*.md")):
        waiting += _targets(page.read_text(encoding="utf-8"), page.relative_to(root).as_posix(), root)
    found: dict[str, str] = {}
    while waiting:
        target = waiting.pop()
        page = _page_of(target)
        if page not in found:
            found[page] = _content(target, root)
            waiting += _targets(found[page], _base(target, root), root)
    return found


def site_links(markdown: str, page: str, root: Path) -> str:
    """Return a page with its links out of ``docs`` replaced by those to their pages.

    :param page: Its path in the site.
    """
    source = _source(page, root)

    def replaced(match: re.Match[str]) -> str:
        target = _target(match[2], source, root)
        if target is None:
            return match[0]
        new = posixpath.relpath(target, posixpath.dirname(page) or ".")
        return f"{match[1]}{new}{match[3] or ''}{match[4]}"

    parts = without_code(markdown)
    return "".join(LINK.sub(replaced, part) if is_text else part for part, is_text in parts)


def without_code(markdown: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a page, each with whether it is outside fenced code."""
    end = 0
    for fence in FENCE.finditer(markdown):
        yield markdown[end : fence.start()], True
        yield fence[0], False
        end = fence.end()
    yield markdown[end:], True


def _source(page: str, root: Path) -> str:
    """Return the path of a page's source in the repository."""
    if not page.startswith(f"{FOLDER}/"):
        return f"docs/{page}"
    path = page.removeprefix(f"{FOLDER}/")
    if (root / path).is_file():
        return path
    return _base(path.removesuffix(".md"), root)


def _base(target: str, root: Path) -> str:
    """Return the path that links of a page begin at; those of a folder's list begin in the folder."""
    return f"{target}/README.md" if (root / target).is_dir() else target


def _target(link: str, source: str, root: Path) -> str | None:
    """Return the page in the site that a link leads to, if it leads from or to a file outside ``docs``."""
    if "://" in link or link.startswith("mailto:"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    if not (root / path).exists():
        return None
    if path.startswith("docs/"):
        return None if source.startswith("docs/") else path.removeprefix("docs/")
    return _page_of(path)


def _page_of(path: str) -> str:
    return f"{FOLDER}/{path}" if path.endswith(".md") else f"{FOLDER}/{path}.md"


def _targets(markdown: str, source: str, root: Path) -> Iterator[str]:
    for part, is_text in without_code(markdown):
        for match in LINK.finditer(part) if is_text else ():
            page = _target(match[2], source, root)
            if page is not None and page.startswith(f"{FOLDER}/"):
                yield posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))


def _content(target: str, root: Path) -> str:
    path = root / target
    if path.is_dir():
        return "".join(_folder(path, target))
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    if path.suffix == ".ipynb":
        return notebook_page(text, target)
    language = LANGUAGES.get(path.suffix, "")
    return f"# {path.name}\n\n`{target}`\n\n````{language}\n{text.rstrip()}\n````\n"


def _folder(path: Path, target: str) -> Iterator[str]:
    readme = path / "README.md"
    yield readme.read_text(encoding="utf-8") if readme.is_file() else f"# {target}\n"
    yield "\n\n## Files\n\n"
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__", "build")))
        for name in sorted(names):
            file = Path(folder, name)
            inside = file.relative_to(path).as_posix()
            if file.suffix in LANGUAGES or name == "Makefile":
                yield f"- [{inside}]({inside})\n"
