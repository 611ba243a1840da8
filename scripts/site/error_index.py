"""Calls of errors in the source -> tables of the message and the remedy of each, by class."""

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
    found: dict[str, set[tuple[str, str]]] = {}
    for path in sorted(source.rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        constants = _assigned(ast.Module([node for node in module.body if isinstance(node, ast.Assign)], []))
        for function in _functions(module):
            texts = constants | _assigned(function)
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                name = call.func.id if isinstance(call.func, ast.Name) else ""
                if name not in names or not call.args:
                    continue
                remedy = next((one.value for one in call.keywords if one.arg == "remedy"), None)
                message = _text(call.args[0], texts)
                if LETTERS.search(message):
                    found.setdefault(name, set()).add((message, _text(remedy, texts)))
    return found


def _functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the outermost functions, and the module for what is outside of them."""
    for node in tree.body:
        yield from node.body if isinstance(node, ast.ClassDef) else (node,)


def _assigned(function: ast.AST) -> dict[str, ast.expr]:
    """Return the texts of a function's names that are assigned once."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _text(node: ast.expr | None, texts: dict[str, ast.expr]) -> str:
    """Return a text with its inserted values as an ellipsis."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(one, {}) for one in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, texts) + _text(node.right, texts)
    if isinstance(node, ast.IfExp):
        return f"{_text(node.body, texts)} / {_text(node.orelse, texts)}"
    if isinstance(node, ast.Name) and node.id in texts:
        return _text(texts[node.id], {})
    return INSERTED


def _cell(text: str) -> str:
    shown = re.sub(rf"{INSERTED}(?:\s*{INSERTED})+", INSERTED, " ".join(text.split()))
    return shown.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").replace("[", "\\[")
