"""The closed package of the CDK app, which ``eject`` copies as it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from spacy_lambda import cdk, core
from spacy_lambda.deploy.ejection import CORE_MODULES
from tests.architecture.source_files import nodes

FOLDER = Path(cdk.__file__).parent
CORE = Path(core.__file__).parent
PLAIN = (
    "__init__",
    "aws_names",
    "bulk_settings",
    "literal_text",
    "prices",
    "settings",
    "source_settings",
    "spec",
    "spec_file",
)
"""Modules that others import, without the CDK."""

WITHOUT_THE_CDK = """
import importlib, sys
sys.modules.update({"aws_cdk": None, "constructs": None})
for name in sys.argv[1:]:
    importlib.import_module(f"spacy_lambda.cdk.{name}")
"""


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Level and module of each import."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


def within_the_package(path: Path, level: int, module: str) -> bool:
    """Return whether a module that ``eject`` copies finds what it imports."""
    if level == 0:
        libraries = () if path.stem in PLAIN else ("aws_cdk", "constructs")
        return module.partition(".")[0] in {*sys.stdlib_module_names, *libraries}
    if level == 1:
        return (FOLDER / f"{module}.py").is_file()
    return level == 2 and module in {f"core.{name}" for name in CORE_MODULES}


def test_the_package_is_closed() -> None:
    paths = sorted(FOLDER.rglob("*.py"))
    others = [(path.stem, *one) for path in paths for one in imports(path) if not within_the_package(path, *one)]
    assert paths
    assert others == []


def test_what_is_copied_of_core_imports_the_standard_library_only() -> None:
    found = [(name, *one) for name in CORE_MODULES for one in imports(CORE / f"{name}.py")]
    assert [one for one in found if one[1] or one[2].partition(".")[0] not in sys.stdlib_module_names] == []


def test_no_unused_copies() -> None:
    imported = {module for path in FOLDER.glob("*.py") for level, module in imports(path) if level == 2}
    assert imported == {f"core.{name}" for name in CORE_MODULES if name != "__init__"}


def test_the_package_has_modules_and_the_prices_only() -> None:
    files = [path for path in FOLDER.iterdir() if path.name != "__pycache__"]
    assert [path.name for path in files if path.suffix != ".py"] == ["prices.toml"]


def test_plain_modules_do_not_need_the_cdk() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_THE_CDK, *PLAIN[1:]], check=True)
