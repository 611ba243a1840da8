"""Tables of the pages: every row has as many cells as the header, because the site drops those beyond it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.docs.blocks import PAGES, ROOT

CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def uneven_rows(markdown: str) -> Iterator[str]:
    """Yield the rows that have more or fewer cells than the first row of their table."""
    header = None
    for line in CODE.sub("", markdown).splitlines():
        if not line.startswith("|"):
            header = None
            continue
        cells = line.replace("\\|", "").count("|") - 1
        header = header or cells
        if cells != header:
            yield line


def test_every_row_has_the_cells_of_its_header() -> None:
    found = {page.relative_to(ROOT).as_posix(): [*uneven_rows(page.read_text(encoding="utf-8"))] for page in PAGES}
    assert {page: rows for page, rows in found.items() if rows} == {}


def test_a_row_with_a_cell_too_many_or_too_few_is_found() -> None:
    table = "| a | b |\n| --- | --- |\n| `c\\|d` | e |\n| f | g | |\n| h |\n"
    assert list(uneven_rows(f"{table}\n| i |\n| --- |\n| j |\n```\n| k | l |\n```\n")) == ["| f | g | |", "| h |"]
