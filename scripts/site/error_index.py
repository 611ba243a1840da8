"""Calls of errors in the source -> tables of the message and the remedies of each, by class."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import spacy_lambda
from source_texts import INSERTED, LETTERS, MAX_DEPTH, Module, Scope, words
from spacy_lambda import errors as classes_of_errors

WORD = re.compile(r"[a-z]{4}|[A-Z]{3}")
"""By a message without one, nobody finds it."""

PASSED_ON = "that of the cause, which the message names"
PRINTED = "the one that the command prints, which depends on the values"
NAMED_BY_EXTRA = "MissingExtraError"
EXTRA_ROW = (
    f"{INSERTED} requires packages that are not installed",
    f'pip install "spacy-lambda[{INSERTED}]", in a checkout: pip install -c constraints.txt ".[{INSERTED}]"',
)
"""The row of errors whose message is made of an extra's name."""

PARTS = {
    "Fault": ("ConfigError", 1),
    "InvalidLine": ("DeployError", 1),
    "Problem": ("CompileError", 0),
    "ServiceFailure": ("InvokeError", 0),
    "invalid_document": ("CorpusError", 2),
    "text_rule": ("ConfigError", 0),
}
"""What errors are composed of: the error's class, and the place of the message, which the remedy follows."""

PAIRS = {"Problem": "ConfigError", "Reason": "UnsupportedPipelineError"}
"""Names of pairs of a message and its remedy, in the annotations of functions that return or yield them."""

RULE = "make_rule"
"""Takes what a value has to be, and the remedy."""


@dataclass(frozen=True)
class Row:
    """An error in the source.

    :param error: Name of its class.
    :param message: The expression of its message.
    :param remedy: The expression of its remedy.
    """

    error: str
    message: ast.expr
    remedy: ast.expr | None


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
            yield from (f"| {_cell(message)} | {_cell(remedy)} |" for message, remedy in sorted(rows[name], key=_place))
            yield ""


def _place(row: tuple[str, str]) -> tuple[str, ...]:
    """Return the place of a row: by its first word."""
    return (re.sub(r"^[^A-Za-z]+", "", row[0]).lower(), *row)


def _rows(source: Path, names: set[str]) -> dict[str, set[tuple[str, str]]]:
    modules = {
        _dotted(path, source): Module(ast.parse(path.read_text("utf-8"))) for path in sorted(source.rglob("*.py"))
    }
    shared = {f"{path}.{name}": values for path, module in modules.items() for name, values in module.names.items()}
    for path, module in modules.items():
        shared |= {f"{path}.{name}.remedy": values for name, values in module.records.items()}
        for name, value in module.remedies():
            shared.setdefault(f"{name}.remedy", []).append(value)
    found: dict[str, set[tuple[str, str]]] = {NAMED_BY_EXTRA: {EXTRA_ROW}}
    for module in modules.values():
        for function, row in _raised(module, names - {NAMED_BY_EXTRA}):
            for scope in Scope(module, function, shared).callers(row.message, row.remedy):
                remedy = PASSED_ON if _is_passed_on(row) else _remedies(scope, row.remedy)
                messages = (_shortened(text) for text in scope.texts(row.message, depth=MAX_DEPTH - 2))
                found.setdefault(row.error, set()).update((text, remedy) for text in messages if WORD.search(text))
    return found


def _raised(module: Module, names: set[str]) -> Iterator[tuple[ast.AST, Row]]:
    """Yield the errors of a module and what errors are composed of, each with the function that it is in."""
    for function in module.functions:
        yield from ((function, row) for row in _pairs(function))
    for name in sorted({*names, *PARTS, RULE} & module.calls.keys()):
        yield from ((function, row) for function, call in module.calls[name] for row in _of_call(name, call, names))


def _pairs(function: ast.AST) -> Iterator[Row]:
    """Yield the pairs of a message and its remedy that a function returns or yields."""
    returns = getattr(function, "returns", None)
    error = None if returns is None else next((PAIRS[one] for one in PAIRS if one in words(returns)), None)
    for node in () if error is None else ast.walk(function):
        value = node.value if isinstance(node, ast.Return | ast.Yield) else None
        if isinstance(value, ast.Tuple) and len(value.elts) == 2:
            yield Row(error, *value.elts)


def _of_call(name: str, call: ast.Call, names: set[str]) -> Iterator[Row]:
    remedies = [one.value for one in call.keywords if one.arg == "remedy"]
    if name in names and call.args:
        remedy = next(iter(remedies), None)
        # One with an empty remedy is replaced by another error before anybody sees it.
        if not isinstance(remedy, ast.Constant) or remedy.value:
            yield Row(name, call.args[0], remedy)
    elif name in PARTS:
        error, place = PARTS[name]
        given = [*call.args[place:], *remedies]
        if len(given) > 1:
            yield Row(error, given[0], given[1])
    elif name == RULE and len(call.args) == 3:
        expected = ast.FormattedValue(value=call.args[1], conversion=-1)
        message = ast.JoinedStr(values=[ast.Constant(value=f"is {INSERTED}; expected "), expected])
        yield Row("ConfigError", message, call.args[2])


def _dotted(path: Path, source: Path) -> str:
    return ".".join(path.relative_to(source.parent).with_suffix("").parts)


def _shortened(text: str) -> str:
    return re.sub(rf"{INSERTED}(?:\s*{INSERTED})+", INSERTED, " ".join(text.split()))


def _is_passed_on(row: Row) -> bool:
    """Return whether an error has the remedy of another one, whose message is part of its own."""
    match row.remedy:
        case ast.Attribute(value=ast.Name(id=name), attr="remedy"):
            parts = (one for one in ast.walk(row.message) if isinstance(one, ast.Attribute) and one.attr == "message")
            return any(isinstance(part.value, ast.Name) and part.value.id == name for part in parts)
    return False


def _remedies(scope: Scope, node: ast.expr | None) -> str:
    """Return the remedies that an expression may have."""
    texts = [] if node is None else scope.texts(node)
    known = [_shortened(text) for text in dict.fromkeys(texts) if LETTERS.search(text)]
    is_passed_on = isinstance(node, ast.Attribute) and node.attr == "remedy"
    return " / ".join(known) or (PASSED_ON if is_passed_on else PRINTED)


def _cell(text: str) -> str:
    """Return a text as Markdown: as it is in code, else with its marks escaped; braces at the end were attributes."""
    parts = re.split(r"(`[^`]*`)", _shortened(text))
    return "".join(part if part.startswith("`") and len(part) > 1 else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    return re.sub(r"[|*_\[{}`]", r"\\\g<0>", text).replace("<", "&lt;")
