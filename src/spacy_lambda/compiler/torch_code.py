"""Uses of torch in source code, found without running it: some of it only runs on rare texts."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spacy_lambda.packages.torch_packages import TORCH_MODULES

__all__ = ["TorchUse", "torch_uses"]

IMPORTERS = ("import_module", "__import__")
IMPORT_ERRORS = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")


@dataclass(frozen=True)
class TorchUse:
    """One place in a file.

    :param module: The module that is imported.
    """

    file: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def torch_uses(file: Path) -> Iterator[TorchUse]:
    """Yield the places where a module uses torch.

    Imports that may fail do not count, nor code that only type checkers read.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):  # importing it reports that
        return
    for node in _running(tree):
        for module in _imported(node):
            yield TorchUse(file, getattr(node, "lineno", 0), module)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node that may run, except imports whose ImportError is caught."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, ready = waiting.pop()
        if not (ready and any(_imported(node))):
            yield node
        if isinstance(node, ast.Try | ast.TryStar):
            caught = ready or any(map(_catches, node.handlers))
            waiting += [(child, caught) for child in node.body]
            waiting += [(child, ready) for child in (*node.handlers, *node.orelse, *node.finalbody)]
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting += [(child, ready) for child in node.orelse]
        elif isinstance(node, ast.With) and any(map(_suppresses, node.items)):
            waiting += [(child, True) for child in (*node.items, *node.body)]
        else:
            # A function defined inside `try` runs later, outside of it.
            later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            waiting += [(child, ready and not later) for child in ast.iter_child_nodes(node)]


def _imported(node: ast.AST) -> Iterator[str]:
    """Yield the modules of torch and its libraries that a node imports."""
    names: Iterable[str | None] = ()
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        names = [node.module]
    elif isinstance(node, ast.Call) and _called(node) in IMPORTERS:
        names = [_literal(argument) for argument in (*node.args[:1], *(word.value for word in node.keywords))]
    yield from (name for name in names if name and name.partition(".")[0] in TORCH_MODULES)


def _catches(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or _is_import_error(handler.type)


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and _called(call) == "suppress" and any(map(_is_import_error, call.args))


def _is_import_error(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Name) and one.id in IMPORT_ERRORS for one in ast.walk(node))


def _is_type_checking(test: ast.AST) -> bool:
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))


def _called(call: ast.Call) -> str | None:
    return getattr(call.func, "id", None) or getattr(call.func, "attr", None)


def _literal(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
