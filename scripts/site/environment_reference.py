"""Names of environment variables in the source, with their docstrings and the keys that set them -> tables."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

from spacy_lambda.config.rules import SET_BY_KEYS
from spacy_lambda.core import env_names

GROUP = re.compile(r"^# (.*)\.$")
ROLE = re.compile(r"(?:; see )?:mod:`[^`]*`")
KEY = re.compile(r"write (\w+)")
UNDESCRIBED = {
    "SPACY_LAMBDA_PROJECT": "Name of the project, in place of `name` in spacy-lambda.toml.",
    "SPACY_LAMBDA_REGION": "AWS region, in place of `region` in spacy-lambda.toml.",
    "SPACY_LAMBDA_ACCOUNT": "The only account to deploy to, in place of `account` in spacy-lambda.toml.",
    "SPACY_LAMBDA_TRACEBACK": "`1`: an error of a command is printed with its traceback.",
}


def variables() -> str:
    """Return a section for each group of environment variables."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    for group, names in _groups().items():
        ours = {name: about for name, about in names.items() if name.startswith(env_names.PREFIX) and about}
        if ours:
            yield f"## {group}\n\n| variable | |\n| --- | --- |"
            yield from (f"| `{name}` | {about}{_set_by(name)} |" for name, about in ours.items())
            yield ""


def _set_by(name: str) -> str:
    """Return the sentence about a variable that `environment` cannot set."""
    key = KEY.match(SET_BY_KEYS.get(name, ""))
    return f" Of a deployed function: the key `{key[1]}` of spacy-lambda.toml." if key else ""


def _groups() -> dict[str, dict[str, str]]:
    source = inspect.getsource(env_names)
    lines, body = source.splitlines(), ast.parse(source).body
    found: dict[str, dict[str, str]] = {}
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant):
            continue
        headings = [match[1] for line in lines[: statement.lineno] if (match := GROUP.match(line))]
        if headings:
            name = str(statement.value.value)
            found.setdefault(headings[-1], {})[name] = _docstring(following) or UNDESCRIBED.get(name, "")
    return found


def _docstring(statement: ast.stmt | None) -> str:
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
        return ""
    return ROLE.sub("", " ".join(str(statement.value.value).split())).replace("``", "`")
