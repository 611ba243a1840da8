"""The wheels that bundles are built from, fetched into ``build/wheels`` by ``make test``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

WHEELS = Path(__file__).parents[2] / "build" / "wheels"
BUNDLED = "en_scienceie_minilm"


def no_index() -> dict[str, str]:
    if not (WHEELS / "ready").is_file():
        pytest.skip("build/wheels is not there: `make test` fetches it")
    if not (shutil.which("x86_64-linux-gnu-strip") or shutil.which("llvm-strip")):
        pytest.skip("nothing here strips x86-64 modules: apt-get install binutils-x86-64-linux-gnu")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELS), "PIP_CONFIG_FILE": os.devnull}
