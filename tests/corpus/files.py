"""Corpora and outputs of tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["TEXTS", "content", "raise_interrupt", "results", "write_jsonl"]

TEXTS = ["Heat moves through glass.", "iron and silicon", "Nothing here", "", "Äöü iron 🧪 heat"]


def write_jsonl(path: Path, texts: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl-*")) for line in path.read_bytes().splitlines()]


def content(folder: Path) -> dict[str, bytes]:
    """Return the output's files, without the records, which have times."""
    files = (path for path in folder.rglob("*") if path.is_file() and "_annotate" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def raise_interrupt(*arguments: Any) -> None:
    """Interrupt a run in place of one of its steps, as Ctrl+C would."""
    raise KeyboardInterrupt
