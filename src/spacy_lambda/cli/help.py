"""Help texts: names of values in place of Python's types, and a layout for narrow terminals."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, get_args

from typer.core import TyperCommand, TyperGroup

__all__ = ["ReadableCommand", "ReadableGroup"]

NARROW = 80
"""Columns below which options and their explanations do not fit next to each other."""

VALUES = {Path: "PATH", int: "NUMBER", float: "NUMBER"}
"""Names of values by their types; those of other types are texts."""


class _Readable:
    """A mixin of commands and groups: the layout of their help."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, each with the name of its value."""
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for one in found:
            _name_value(one)
        return found

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage, without the braces that typer puts around required arguments."""
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        return [piece.replace("{", "").replace("}", "") for piece in pieces]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Format the help: in frames, or in lines if the terminal is narrow."""
        width = shutil.get_terminal_size().columns
        if width >= NARROW:
            super().format_help(ctx, formatter)  # type: ignore[misc]
            return
        formatter.width = width
        self.format_usage(ctx, formatter)  # type: ignore[attr-defined]
        self.format_help_text(ctx, formatter)  # type: ignore[attr-defined]
        _write_parameters(formatter, self.get_params(ctx), ctx)
        commands = getattr(self, "commands", {})
        _write_section(formatter, "Commands", [(name, _first_paragraph(one)) for name, one in commands.items()])


def _name_value(parameter: Any) -> None:
    """Name an argument, in capitals, or the value of an option without choices; flags and arguments show no type.

    A hidden argument is not in the usage either.
    """
    if parameter.param_type_name == "argument":
        parameter.display_type_rich = _no_type
        parameter.metavar = parameter.metavar or parameter.name.upper()
        if parameter.hidden:
            parameter.get_usage_pieces = _no_pieces
    elif parameter.metavar is None:
        kind = getattr(parameter, "type_descriptor", None)
        if parameter.is_flag:
            parameter.metavar = ""
        elif kind is not None and not kind.is_choice:
            parameter.metavar = VALUES.get(next(iter(get_args(kind.annotation)), kind.annotation), "TEXT")


def _first_paragraph(command: Any) -> str:
    return " ".join((command.help or "").partition("\n\n")[0].split())


def _no_type(ctx: Any) -> None:
    return None


def _no_pieces(ctx: Any) -> list[str]:
    return []


def _write_parameters(formatter: Any, parameters: list[Any], ctx: Any) -> None:
    for title in ("Arguments", "Options"):
        kind = title.removesuffix("s").lower()
        records = [one.get_help_record(ctx) for one in parameters if one.param_type_name == kind]
        _write_section(formatter, title, [record for record in records if record is not None])


def _write_section(formatter: Any, title: str, records: list[tuple[str, str]]) -> None:
    """Write each name on its line, with its explanation below."""
    if not records:
        return
    with formatter.section(title):
        for name, about in records:
            formatter.write_text(name.strip())
            with formatter.indentation():
                formatter.write_text(about)


class ReadableCommand(_Readable, TyperCommand):
    """A command with such help."""


class ReadableGroup(_Readable, TyperGroup):
    """A group with such help."""
