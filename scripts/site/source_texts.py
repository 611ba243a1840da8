"""Expressions in the source -> the texts that they may have, followed through names, functions and calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

LETTERS = re.compile(r"[A-Za-z]{3}")
INSERTED = "…"
PLACEHOLDER = re.compile(r"\{\w*\}")
"""A part of a text for `str.format`."""

MAX_DEPTH = 8
"""Names, functions and parameters that are followed from an error to its remedies."""

MAX_VARIANTS = 12
"""Texts of one message; of a message with more, the varying parts are shown as inserted values."""


class Module:
    """A module's outermost functions, and what its names are: values that are assigned, and functions.

    The remedies of its records are those of objects that are assigned to a name; its calls are by the name of what is
    called, each with the function that it is in.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.functions = [
            node for part in tree.body for node in (part.body if isinstance(part, ast.ClassDef) else (part,))
        ]
        self.names: dict[str, list[ast.AST]] = {}
        self.records: dict[str, list[ast.AST]] = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.names.setdefault(node.name, []).append(node)
            for name, value in _assignments(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
                self.names.setdefault(name, []).append(value)
                self.records.setdefault(name, []).extend(one.value for one in _keywords(value, "remedy"))
        self.calls: dict[str, list[tuple[ast.AST, ast.Call]]] = {}
        for caller in self.functions:
            for node in ast.walk(caller):
                if isinstance(node, ast.Call):
                    self.calls.setdefault(_called(node), []).append((caller, node))
        self._assigned: dict[ast.AST, dict[str, list[ast.AST]]] = {}
        self.imported = {
            one.asname or one.name: f"{node.module}.{one.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for one in node.names
        }

    def assigned(self, function: ast.AST) -> dict[str, list[ast.AST]]:
        """Return the values that are assigned to each name in a function."""
        if function not in self._assigned:
            found: dict[str, list[ast.AST]] = {}
            for node in ast.walk(function):
                for name, value in _assignments(node):
                    found.setdefault(name, []).append(value)
            self._assigned[function] = found
        return self._assigned[function]

    def remedies(self) -> Iterator[tuple[str, ast.expr]]:
        """Yield what calls of functions and classes give as remedies, with their names."""
        for name, calls in self.calls.items():
            if name:  # else of what is called through another object or module
                yield from ((name, one.value) for _, call in calls for one in _keywords(call, "remedy"))


class Scope:
    """What names are in a function of a module.

    :param shared: What names of any module are, by their dotted paths, for those that are imported.
    :param given: What one call gives for the parameters, each in the scope of the caller.
    """

    def __init__(
        self,
        module: Module,
        function: ast.AST,
        shared: dict[str, list[ast.AST]],
        given: Mapping[str, tuple[Scope, ast.expr]] | None = None,
    ) -> None:
        self._module, self._function, self._shared, self._given = module, function, shared, given or {}
        self._local = module.assigned(function)

    def callers(self, *nodes: ast.expr | None) -> list[Scope]:
        """Return a scope for each call in the module, if expressions have parameters; else this one."""
        function = self._function
        used = {name for node in nodes if node is not None for name in words(node)}
        if not isinstance(function, ast.FunctionDef) or used.isdisjoint(_parameters(function)):
            return [self]
        found = []
        for caller, call in self._module.calls.get(function.name, ()):
            outer = Scope(self._module, caller, self._shared)
            given = {name: (outer, node) for name, node in _arguments(function, call).items()}
            found.append(Scope(self._module, function, self._shared, given))
        defaults = {name: (self, node) for name, node in _defaults(function).items()}
        return found or [Scope(self._module, function, self._shared, defaults)]

    def texts(self, node: ast.AST | None, depth: int = 0) -> list[str]:
        """Return the texts that an expression may have, with inserted values as an ellipsis."""
        if depth > MAX_DEPTH:
            return [INSERTED]
        found: list[str] = []
        match node:
            case ast.Constant(value=str(text)):
                found.append(text)
            case ast.JoinedStr(values=values):
                found += self._joined(values, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                ends = self.texts(right, depth + 1)
                found += [begin + end for begin in self.texts(left, depth + 1) for end in ends]
            case ast.FunctionDef():
                inner = Scope(self._module, node, self._shared)
                returned = (one.value for one in ast.walk(node) if isinstance(one, ast.Return))
                found += [text for one in returned for text in inner.texts(one, depth + 1)]
            case ast.Name(id=name) if name in self._given:
                outer, value = self._given[name]
                found += outer.texts(value, depth + 1)
            case ast.Call(func=ast.Attribute(value=value, attr="format")):
                found += [PLACEHOLDER.sub(INSERTED, text) for text in self.texts(value, depth + 1)]
            case _:
                found += [text for one in self._alternatives(node) for text in self.texts(one, depth + 1)]
        return found or [INSERTED]

    def _joined(self, values: list[ast.expr], depth: int) -> list[str]:
        """Return the texts of an f-string; a part that may have many texts, or unknown ones, is an ellipsis."""
        texts = [""]
        for one in values:
            if isinstance(one, ast.FormattedValue):
                parts = list(dict.fromkeys(self.texts(one.value, depth + 1))) if one.format_spec is None else []
                is_known = all(LETTERS.search(part) for part in parts)
                if not parts or not is_known or len(texts) * len(parts) > MAX_VARIANTS:
                    parts = [INSERTED]
            else:
                parts = [str(one.value)] if isinstance(one, ast.Constant) else [INSERTED]
            texts = [text + part for text in texts for part in parts]
        return texts

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
            case ast.Name():
                found += self._values(node)
            case ast.Attribute(value=ast.Name(id=name), attr="remedy"):
                path = self._module.imported.get(name)
                imported = [] if path is None else self._shared.get(f"{path}.remedy", [])
                found += self._module.records.get(name) or imported or self._fields(name)
            case ast.Call(func=ast.Name() as function):
                found.append(function)
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[_, *default]):
                found += [value, *default]
        return found

    def _values(self, node: ast.Name) -> list[ast.AST]:
        name = node.id
        if name in self._local:
            return _reaching(self._function, node) or self._local[name]
        given = self._parameter(name)
        return given or self._module.names.get(name) or self._shared.get(self._module.imported.get(name, ""), [])

    def _fields(self, name: str) -> list[ast.AST]:
        """Return the remedies that objects of a parameter's class have."""
        if not isinstance(self._function, ast.FunctionDef):
            return []
        annotations = [one.annotation for one in self._function.args.args if one.arg == name]
        classes = {word for one in annotations if one is not None for word in words(one)}
        return [node for word in sorted(classes) for node in self._shared.get(f"{word}.remedy", [])]

    def _parameter(self, name: str) -> list[ast.AST]:
        """Return what calls in the module give for a parameter of the function."""
        function = self._function
        if not isinstance(function, ast.FunctionDef) or name not in _parameters(function):
            return []
        given = [_arguments(function, call).get(name) for _, call in self._module.calls.get(function.name, ())]
        return [one for one in given if one is not None]


def _keywords(node: ast.AST, name: str) -> list[ast.keyword]:
    return [one for one in node.keywords if one.arg == name] if isinstance(node, ast.Call) else []


def words(node: ast.AST) -> set[str]:
    """Return the names in an expression."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _called(node: ast.AST) -> str:
    """Return the name of the function, or of the method of the same object, that is called."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name)):
            return name
    return ""


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [one.arg for one in (*function.args.args, *function.args.kwonlyargs) if one.arg != "self"]


def _arguments(function: ast.FunctionDef, call: ast.Call) -> dict[str, ast.expr]:
    """Return what a call gives for each parameter, defaults included."""
    positional = [one.arg for one in function.args.args if one.arg != "self"]
    given = {one.arg: one.value for one in call.keywords if one.arg is not None}
    return _defaults(function) | dict(zip(positional, call.args, strict=False)) | given


def _defaults(function: ast.FunctionDef) -> dict[str, ast.expr]:
    positional = [one.arg for one in function.args.args]
    defaults = function.args.defaults
    found = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    keywords = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return found | {one.arg: default for one, default in keywords if default is not None}


def _reaching(function: ast.AST, node: ast.Name) -> list[ast.AST]:
    """Return the values that a local name may have at a place, from the nearest assignments before it."""
    found: list[ast.AST] = []
    for block in reversed(list(_blocks(function, node.lineno))):
        for statement in reversed([one for one in block if (one.end_lineno or 0) < node.lineno]):
            values = [value for one in ast.walk(statement) for name, value in _assignments(one) if name == node.id]
            found += values
            if values and not isinstance(statement, ast.If | ast.For | ast.While | ast.Try | ast.Match):
                return found
            if values and isinstance(statement, ast.If) and statement.orelse:
                return found
    return found


def _blocks(node: ast.AST, line: int) -> Iterator[list[ast.stmt]]:
    """Yield the blocks that contain a line, the outermost first."""
    for _, value in ast.iter_fields(node):
        for one in value if isinstance(value, list) else ():
            if isinstance(one, ast.AST) and getattr(one, "lineno", line + 1) <= line <= (one.end_lineno or 0):
                if isinstance(one, ast.stmt):
                    yield value
                yield from _blocks(one, line)


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
