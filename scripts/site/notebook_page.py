"""A Jupyter notebook -> a page: its text, its code, and what the code printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def notebook_page(text: str, target: str) -> str:
    """Return the page of a notebook.

    :param text: The notebook's JSON.
    :param target: Its path in the repository.
    """
    return f"`{target}`\n\n" + "\n\n".join(part for cell in json.loads(text)["cells"] for part in _parts(cell)) + "\n"


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
    elif cell["cell_type"] == "code":
        yield f"````python\n{source}\n````"
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            printed = output.get("text") or data.get("text/plain")
            if "text/html" in data:
                lines = "".join(data["text/html"]).splitlines()
                yield "\n".join(["<div>", *(line.strip() for line in lines if line.strip()), "</div>"])
            elif printed:
                yield f"````text\n{''.join(printed).rstrip()}\n````"
