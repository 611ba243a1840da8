"""Public names of the packages that the reference of Python shows, and their definitions in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.docs.blocks import ROOT

SOURCE = ROOT / "src"
NAMED = re.compile(r"^\| `(spacy_lambda[\w.]*)` \|", re.MULTILINE)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.ClassDef | Function | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class PublicName:
    """A public name.

    :param module: The module that defines it.
    :param name: The name, after that of its class for a method.
    :param node: Its definition.
    :param docstring: Its docstring; empty if it has none.
    :param is_property: It is called without parentheses.
    """

    module: str
    name: str
    node: Definition
    docstring: str
    is_property: bool = False

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


def documented_packages() -> list[str]:
    """Return the packages in the table of the page on Python."""
    return NAMED.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8"))


def public_names() -> Iterator[PublicName]:
    """Yield the public names of all of these packages, each once."""
    found = {one.path: one for package in documented_packages() for one in _exported(package)}
    yield from found.values()


def public_methods(public: PublicName) -> Iterator[PublicName]:
    """Yield the public methods and properties of a class."""
    if not isinstance(public.node, ast.ClassDef):
        return
    for node in public.node.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            decorators = {ast.unparse(one) for one in node.decorator_list}
            if not decorators & {"overload", "override"} and not any(".setter" in one for one in decorators):
                is_property = bool(decorators & {"property", "cached_property"})
                yield PublicName(
                    public.module, f"{public.name}.{node.name}", node, ast.get_docstring(node) or "", is_property
                )


def _exported(package: str) -> Iterator[PublicName]:
    body = _body(package)
    exported = next(
        ast.literal_eval(node.value) for node in body if isinstance(node, ast.Assign) and _assigned(node) == "__all__"
    )
    for name in exported:
        if name != "__version__":
            yield _find(package, name)


def _find(module: str, name: str) -> PublicName:
    body = _body(module)
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef | Function) and node.name == name:
            return PublicName(module, name, node, ast.get_docstring(node) or "")
        if isinstance(node, ast.Assign | ast.AnnAssign) and _assigned(node) == name:
            return PublicName(module, name, node, _text(following))
    imports = (one for statement in body for one in ast.walk(statement) if isinstance(one, ast.ImportFrom))
    for one in imports:
        if name in {alias.asname or alias.name for alias in one.names}:
            return _find(str(one.module), name)
    raise AssertionError(f"{module}.{name} is not defined")


@cache
def _body(module: str) -> list[ast.stmt]:
    path = SOURCE.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else Path(f"{path}.py")
    return ast.parse(file.read_text(encoding="utf-8")).body


def _assigned(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        return target.id if isinstance(target, ast.Name) else ""
    return ""


def _text(node: ast.stmt | None) -> str:
    """Return the string below a constant."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""
