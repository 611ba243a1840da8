"""Programs that stand in for Node, npm and the CDK."""

from __future__ import annotations

import stat
from pathlib import Path


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def with_node(folder: Path, version: str, npm: str = "exit 0") -> None:
    program(folder / "node", f"echo v{version}")
    program(folder / "npm", npm)
