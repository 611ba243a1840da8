"""Docstrings of the public names: each with its parameters, and the errors that its code raises."""

from __future__ import annotations

import ast
import re
from itertools import pairwise

import pytest

import spacy_lambda
from spacy_lambda import errors
from tests.docs.public_names import Function, PublicName, documented_packages, public_methods, public_names

PARAMETER = re.compile(r":param (\w+):\s+\S")
RAISED = re.compile(r":raises (\w+):\s+\S")
SAME = re.compile(r"parameters are those of :func:`~[\w.]+\.(\w+)`")
NAMES = [*public_names()]
ALL = [one for name in NAMES for one in (name, *public_methods(name))]


def described(public: PublicName) -> set[str]:
    """Return the parameters, or fields, that docstrings describe."""
    found = set(PARAMETER.findall(public.docstring))
    for same in SAME.findall(public.docstring):
        found |= next(described(one) for one in NAMES if one.name == same)
    if isinstance(public.node, ast.ClassDef):
        body = public.node.body
        inits = [one for one in body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
        found |= {name for init in inits for name in PARAMETER.findall(ast.get_docstring(init) or "")}
        for node, following in pairwise(body):
            if isinstance(node, ast.AnnAssign) and isinstance(following, ast.Expr):
                found.add(ast.unparse(node.target))
    return found


def parameters(public: PublicName) -> set[str]:
    """Return the parameters of a function, or those of a class: of its ``__init__``, else its fields."""
    node = public.node
    if isinstance(node, ast.ClassDef):
        init = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
        if init is None:
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            return {ast.unparse(one.target) for one in fields if not ast.unparse(one.target).startswith("_")}
        node = init
    if not isinstance(node, Function):
        return set()
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {one.arg for one in named} - {"self", "cls"}


def raised(public: PublicName) -> set[str]:
    """Return the errors that a function raises itself."""
    if not isinstance(public.node, Function):
        return set()
    calls = [one.exc for one in ast.walk(public.node) if isinstance(one, ast.Raise) and isinstance(one.exc, ast.Call)]
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)} & vars(errors).keys()


def test_the_packages_are_found() -> None:
    assert documented_packages()[0] == "spacy_lambda"
    assert len(NAMES) > 100


def test_every_public_name_has_a_docstring() -> None:
    """More than one word: what it is, or what it returns."""
    assert [one.path for one in ALL if len(one.docstring.split()) < 2] == []


def test_every_parameter_is_described() -> None:
    missing = {one.path: sorted(parameters(one) - described(one)) for one in ALL if not one.is_property}
    assert {path: names for path, names in missing.items() if names} == {}


def test_no_described_parameter_is_gone() -> None:
    functions = [one for one in ALL if isinstance(one.node, Function) and not one.node.args.kwarg]
    gone = {one.path: sorted(set(PARAMETER.findall(one.docstring)) - parameters(one)) for one in functions}
    assert {path: names for path, names in gone.items() if names} == {}


def test_the_errors_that_it_raises_are_described() -> None:
    missing = {one.path: sorted(raised(one) - set(RAISED.findall(one.docstring))) for one in ALL}
    assert {path: names for path, names in missing.items() if names} == {}


def test_every_function_of_the_package_describes_its_errors() -> None:
    functions = [one for one in NAMES if one.name in spacy_lambda.__all__ and isinstance(one.node, Function)]
    assert [one.path for one in functions if not RAISED.search(one.docstring)] == []


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("def f(a, b):\n    '''Do it.\n\n    :param a: A.\n    '''", {"b"}),
        ("class A:\n    '''It.\n\n    :param a: A.\n    '''\n    a: int\n    b: int\n    '''B.'''\n    c: int", {"c"}),
        ("class A:\n    '''It.'''\n    def __init__(self, a):\n        '''Make it.'''", {"a"}),
    ],
)
def test_what_is_not_described_is_found(source: str, missing: set[str]) -> None:
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef | Function)
    public = PublicName("m", node.name, node, ast.get_docstring(node) or "")
    assert parameters(public) - described(public) == missing
