"""The layers of the package: imports lead down, never up or in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.architecture.source_files import MODULES, SOURCE, imports, parsed, relative

LAYERS = (
    {"errors"},
    {"core"},
    {"runtime"},
    {"aws", "extras", "packages"},
    {"pipeline"},
    {"pipeline_wheel"},
    {"cdk", "client", "compiler", "conversion", "store", "training"},
    {"bundler", "config", "evaluation"},
    {"corpus", "local"},
    {"sizing"},
    {"deploy"},
    {"doctor", "rehearsal", "testing"},
    {"cli"},
    {"__main__"},
)
"""From bottom to top; parts of one layer do not import each other. The root's ``__init__`` is the public API."""

LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}


def part(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("spacy_lambda.")}


def test_every_part_has_a_layer() -> None:
    parts = {part(path) for path in MODULES} - {"__init__"}
    assert parts == {*LEVEL}


def test_the_overview_has_the_same_layers() -> None:
    overview = (Path(__file__).parents[2] / "docs" / "architecture" / "00-overview.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [0-9]+ \| ([^|]+) \|", overview, re.MULTILINE)
    assert [set(re.findall(r"`([^`]+)`", row)) for row in rows] == list(LAYERS)


def test_imports_lead_down() -> None:
    upward = {
        (relative(path), other)
        for path in MODULES
        for other in imported_parts(path) - {part(path)}
        if part(path) != "__init__" and LEVEL[other] >= LEVEL[part(path)]
    }
    assert upward == set()


@pytest.mark.parametrize(("name", "other"), [("client", "runtime"), ("runtime", "client")])
def test_the_two_ends_of_a_request_share_no_module(name: str, other: str) -> None:
    assert [path for path in MODULES if part(path) == name and other in imported_parts(path)] == []


def test_no_package_imports_itself_in_a_circle() -> None:
    """Modules form no circle, imports for types included, except for those that a package's ``__init__`` re-exports.

    Imports inside functions are not counted: some are there so that the module is loaded only when it is needed.
    """
    edges: dict[str, set[str]] = {}
    for path in MODULES:
        module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        edges[module] = {name for name in _imported(_top_level(path), package) if name != module}
    done: set[str] = set()
    for start in sorted(edges):
        _walk(start, edges, done, [])


def _top_level(path: Path) -> Iterator[ast.stmt]:
    for node in parsed(path).body:
        if not isinstance(node, ast.If):
            yield node
        elif path.name != "__init__.py":
            yield from node.body


def _imported(statements: Iterable[ast.stmt], package: str) -> Iterator[str]:
    for node in statements:
        if isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            for alias in node.names:
                inner = SOURCE.parent.joinpath(*module.split("."), alias.name)
                is_module = inner.with_suffix(".py").is_file() or (inner / "__init__.py").is_file()
                yield f"{module}.{alias.name}" if is_module else module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _walk(module: str, edges: dict[str, set[str]], done: set[str], above: list[str]) -> None:
    assert module not in above, " -> ".join([*above[above.index(module) :], module])
    if module in done:
        return
    for other in sorted(edges.get(module, ())):
        if other in edges:
            _walk(other, edges, done, [*above, module])
    done.add(module)
