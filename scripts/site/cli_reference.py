"""The typer application -> a section with every command and option."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from typer.main import get_command

from spacy_lambda.cli import make_app

EXAMPLE = "Example: "


def commands() -> str:
    """Return the reference of the command line."""
    return "\n".join(_lines(get_command(make_app())))


def _lines(app: Any) -> Iterator[str]:
    groups: dict[str, list[tuple[str, Any]]] = {}
    for path, command in _commands(app):
        groups.setdefault(getattr(command, "rich_help_panel", None) or "Other", []).append((path, command))
    yield "| stage | commands |\n| --- | --- |"
    for stage, found in groups.items():
        links = ", ".join(f"[{path}](#{_anchor(path)})" for path, _ in found)
        yield f"| {stage} | {links} |"
    for found in groups.values():
        for path, command in found:
            yield from _command(path, command)


def _anchor(path: str) -> str:
    return f"spacy-lambda-{path}".replace(" ", "-")


def _commands(group: Any, path: tuple[str, ...] = (), panel: str | None = None) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name), command.rich_help_panel)
        else:
            command.rich_help_panel = panel or command.rich_help_panel
            yield " ".join((*path, name)), command


def _command(path: str, command: Any) -> Iterator[str]:
    about, _, example = command.help.partition(EXAMPLE)
    context = command.make_context(path, [], resilient_parsing=True)
    parameters = [one for one in command.get_params(context) if one.name != "help" and not one.hidden]
    usage = " ".join(piece.replace("{", "").replace("}", "").upper() for piece in command.collect_usage_pieces(context))
    yield f"\n### spacy-lambda {path}\n\n{about.strip()}\n"
    yield f"```text\nspacy-lambda {path} {usage}\n```\n"
    if example:
        yield f"For example:\n\n```console\n$ {example.strip()}\n```\n"
    for kind, title in (("argument", "argument"), ("option", "option")):
        rows = [_row(one) for one in parameters if one.param_type_name == kind]
        if rows:
            yield f"| {title} | | default |\n| --- | --- | --- |"
            yield from rows
            yield ""


def _row(one: Any) -> str:
    if one.param_type_name == "argument":
        name = f"`{one.metavar or one.name.upper()}`"
    else:
        value = "" if one.is_flag else f" {_value(one)}"
        name = ", ".join(f"`{word}{value}`" for word in (*one.opts, *one.secondary_opts))
    return f"| {name} | {_cell(one.help or '')} | {_cell(_default(one))} |"


def _value(one: Any) -> str:
    annotation = one.type_descriptor.annotation
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    return "\\|".join(map(str, choices)) if choices else str(one.metavar or "TEXT")


def _default(one: Any) -> str:
    if isinstance(one.show_default, str):
        return one.show_default
    if one.required:
        return "required"
    if one.default is None or callable(one.default) or (getattr(one, "is_flag", False) and one.default is False):
        return ""
    default = one.default
    if default is True and one.secondary_opts:
        return f"`{one.opts[0]}`"
    return f"`{default}`" if isinstance(default, (str, int, float, bool, Path)) else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
