"""Markdown as it is read in the repository -> Markdown as MkDocs takes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from linked_files import without_code

GENERATED = re.compile(r"^<!-- generated: (\w+) -->\n((?:(?!<!--).*\n)*<!-- generated: end -->\n)?", re.MULTILINE)
"""The place of a generated section, a line of its own; until the line that ends it, what the repository shows there."""

TEST_COMMENT = re.compile(r"^ *<!-- test: .*?-->\n", re.MULTILINE)
ROW = re.compile(r"^\|.*$", re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")


def site_text(markdown: str, sections: Mapping[str, Callable[[], str]]) -> str:
    """Return a page with its generated sections, without the comments of the tests.

    In code of a table, a pipe has no backslash: GitHub requires one there, and MkDocs shows it.

    :param markdown: The page as in the repository.
    :param sections: What takes the place of a comment ``generated: NAME``.
    """
    with_sections = _outside_code(markdown, lambda text: GENERATED.sub(lambda match: f"{sections[match[1]]()}\n", text))
    return _outside_code(with_sections, lambda text: ROW.sub(_plain_pipes, TEST_COMMENT.sub("", text)))


def _outside_code(markdown: str, change: Callable[[str], str]) -> str:
    return "".join(change(part) if is_text else part for part, is_text in without_code(markdown))


def _plain_pipes(row: re.Match[str]) -> str:
    return CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0])
