"""Calls of errors in the source -> tables of the message and the remedies of each, by class."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import spacy_lambda
from spacy_lambda import errors as classes_of_errors

LETTERS = re.compile(r"[A-Za-z]{3}")
INSERTED = "…"
PASSED_ON = "printed with the message, for each cause"
MAX_DEPTH = 8
"""Names, functions and parameters that are followed from an error to its remedies."""

NAMED_BY_EXTRA = "MissingExtraError"
EXTRA_ROW = (
    f"{INSERTED} requires packages that are not installed",
    f'pip install "spacy-lambda[{INSERTED}]", in a checkout: pip install -c constraints.txt ".[{INSERTED}]"',
)
"""The row of errors whose message is made of an extra's name."""


def errors() -> str:
    """Return a section for each error."""
    return "\n".join(_lines(Path(spacy_lambda.__file__).parent))


def _lines(source: Path) -> Iterator[str]:
    classes = {
        name: value
        for name, value in inspect.getmembers(classes_of_errors, inspect.isclass)
        if value.__module__ == classes_of_errors.__name__ and issubclass(value, classes_of_errors.SpacyLambdaError)
    }
    rows = _rows(source, set(classes))
    for name, value in classes.items():
        yield f"## {name}\n\n{(inspect.getdoc(value) or '').partition(chr(10))[0]}\n"
        if rows.get(name):
            yield "| message | remedy |\n| --- | --- |"
            yield from (f"| {_cell(message)} | {_cell(remedy)} |" for message, remedy in sorted(rows[name]))
            yield ""


def _rows(source: Path, names: set[str]) -> dict[str, set[tuple[str, str]]]:
    modules = {
        _dotted(path, source): Module(ast.parse(path.read_text("utf-8"))) for path in sorted(source.rglob("*.py"))
    }
    shared = {f"{path}.{name}": values for path, module in modules.items() for name, values in module.names.items()}
    found: dict[str, set[tuple[str, str]]] = {NAMED_BY_EXTRA: {EXTRA_ROW}}
    for module in modules.values():
        for function in module.functions:
            scope = Scope(module, function, shared)
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                name = call.func.id if isinstance(call.func, ast.Name) else ""
                if name not in names or name == NAMED_BY_EXTRA or not call.args:
                    continue
                remedy = next((one.value for one in call.keywords if one.arg == "remedy"), None)
                message = " / ".join(scope.texts(call.args[0], depth=MAX_DEPTH - 1))
                if LETTERS.search(message):
                    found.setdefault(name, set()).add((message, _remedies(scope, remedy)))
    return found


def _dotted(path: Path, source: Path) -> str:
    return ".".join(path.relative_to(source.parent).with_suffix("").parts)


def _remedies(scope: Scope, node: ast.expr | None) -> str:
    """Return the remedies that an expression may have."""
    texts = [] if node is None else scope.texts(node)
    known = [text for text in dict.fromkeys(texts) if LETTERS.search(text)]
    return " / ".join(known) or PASSED_ON


class Module:
    """A module's outermost functions, and what its names are: values that are assigned, and functions."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.functions = [
            node for part in tree.body for node in (part.body if isinstance(part, ast.ClassDef) else (part,))
        ]
        self.names: dict[str, list[ast.AST]] = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.names.setdefault(node.name, []).append(node)
            for name, value in _assignments(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
                self.names.setdefault(name, []).append(value)
        self.imported = {
            one.asname or one.name: f"{node.module}.{one.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for one in node.names
        }


class Scope:
    """What names are in a function of a module.

    :param shared: What names of any module are, by their dotted paths, for those that are imported.
    """

    def __init__(self, module: Module, function: ast.AST, shared: dict[str, list[ast.AST]]) -> None:
        self._module, self._function, self._shared = module, function, shared
        self._local: dict[str, list[ast.AST]] = {}
        for node in ast.walk(function):
            for name, value in _assignments(node):
                self._local.setdefault(name, []).append(value)

    def texts(self, node: ast.AST | None, depth: int = 0) -> list[str]:
        """Return the texts that an expression may have, with inserted values as an ellipsis."""
        if depth > MAX_DEPTH:
            return [INSERTED]
        found: list[str] = []
        match node:
            case ast.Constant(value=str(text)):
                found.append(text)
            case ast.JoinedStr(values=values):
                found.append("".join(str(one.value) if isinstance(one, ast.Constant) else INSERTED for one in values))
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                ends = self.texts(right, depth + 1)
                found += [begin + end for begin in self.texts(left, depth + 1) for end in ends]
            case ast.FunctionDef():
                inner = Scope(self._module, node, self._shared)
                returned = (one.value for one in ast.walk(node) if isinstance(one, ast.Return))
                found += [text for one in returned for text in inner.texts(one, depth + 1)]
            case _:
                found += [text for one in self._alternatives(node) for text in self.texts(one, depth + 1)]
        return found or [INSERTED]

    def _alternatives(self, node: ast.AST | None) -> list[ast.AST]:
        """Return the expressions one of which is the value of another one."""
        found: list[ast.AST] = []
        match node:
            case ast.IfExp(body=body, orelse=orelse):
                found += [body, orelse]
            case ast.BoolOp(values=values) | ast.Dict(values=values):
                found += values
            case ast.Tuple(elts=[*_, last]):  # a problem and its remedy
                found.append(last)
            case ast.Subscript(value=value):
                found.append(value)
            case ast.Name(id=name):
                found += self._values(name)
            case ast.Call(func=ast.Name() as function):
                found.append(function)
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[_, *default]):
                found += [value, *default]
        return found

    def _values(self, name: str) -> list[ast.AST]:
        if name in self._local:
            return self._local[name]
        given = self._arguments(name)
        return given or self._module.names.get(name) or self._shared.get(self._module.imported.get(name, ""), [])

    def _arguments(self, name: str) -> list[ast.AST]:
        """Return what calls in the module give for a parameter of the function."""
        if not isinstance(self._function, ast.FunctionDef):
            return []
        positional = [one.arg for one in self._function.args.args]
        calls = (
            node
            for node in ast.walk(self._module.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == self._function.name
        )
        found: list[ast.AST] = []
        for call in calls:
            found += [one.value for one in call.keywords if one.arg == name]
            if name in positional and positional.index(name) < len(call.args):
                found.append(call.args[positional.index(name)])
        return found


def _assignments(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the names that a statement assigns, with their values."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        yield node.target.id, node.value
    for target in node.targets if isinstance(node, ast.Assign) else ():
        if isinstance(target, ast.Name):
            yield target.id, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=False)
            yield from ((one.id, value) for one, value in pairs if isinstance(one, ast.Name))


def _cell(text: str) -> str:
    shown = re.sub(rf"{INSERTED}(?:\s*{INSERTED})+", INSERTED, " ".join(text.split()))
    return shown.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")
