"""``make test`` runs every test of the runtime, each in an environment that has what it needs."""

from __future__ import annotations

import re
from pathlib import Path

from tests.runtime.environments import FOLDER, WITH_TORCH, runs_with_torch

ROOT = Path(__file__).parents[2]
SKIPS_WITHOUT = re.compile(r"importorskip|find_spec\([^)]*\) is None")


def test_what_is_skipped_without_a_package_runs_with_it() -> None:
    modules = [path for path in FOLDER.rglob("*.py") if SKIPS_WITHOUT.search(path.read_text(encoding="utf-8"))]
    assert {path.name for path in modules} >= {"originals.py", "test_torch_state.py"}
    assert [path for path in modules if not runs_with_torch(path)] == []


def test_every_name_is_there() -> None:
    assert [name for name in WITH_TORCH if not (FOLDER / name).exists()] == []
    assert runs_with_torch(FOLDER)
    assert not runs_with_torch(FOLDER / "test_prediction.py")


def test_make_test_runs_both() -> None:
    (recipe,) = re.findall(r"^test: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    runs = re.findall(r"(\S+)/bin/python -m pytest (.*?)(?: >|;)", recipe)
    assert runs == [(".venv-runtime", "--quiet tests/runtime"), (".venv-dev", "$(PARALLEL) --runtime-apart")]
