"""Commands of the documentation: each exists with its options; those that need nothing else print what is shown."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from spacy_lambda.cli import make_app
from tests.docs.blocks import ROOT, Block, Command, commands, every_block
from tests.docs.surroundings import SURROUNDINGS

BLOCKS = [block for block in every_block("console", "bash", "sh") if block.way != "skip"]
COMMANDS = [command for block in BLOCKS for command in commands(block)]
RUN = [block for block in BLOCKS if block.way == "fixture"]
SLOW = ("annotated", "corpus", "store")
"""Surroundings of commands that start several processes each."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TARGETS = re.compile(r"^([\w./-]+):(?!=)", re.MULTILINE)
OTHERS = {
    "aws",
    "base64",
    "cd",
    "cp",
    "curl",
    "eval",
    "export",
    "git",
    "hf",
    "openssl",
    "pytest",
    "python",
    "python3",
    "python3.13",
    "source",
}
"""Programs that are not ours."""
ENDLESS = ("make demo", "spacy-lambda run-bundle", "spacy-lambda serve")
WITHOUT_REGION = {"configure", "s3", "sso", "sts"}
"""Commands of AWS that find what they are for in every region."""
FIGURE = re.compile(r"\\?\d[\d,]*(?:\\\.\d+)?(?=\\? (?:B|kB|MB|GB|ms|s)\b)")


def words(text: str) -> list[list[str]]:
    """The words of each program in a line, without comments, variables, redirections and the background."""
    line = re.sub(r"\s#\s.*|\s\d?>\s*\S+|\s&$", "", text.replace("\\\n", " "))
    programs: list[list[str]] = [[]]
    for word in shlex.split(line):
        if word in ("&&", "|", ";"):
            programs.append([])
        elif programs[-1] or not re.match(r"[A-Z_]+=|nohup$", word):
            programs[-1].append(word)
    return programs


@cache
def our_commands() -> Any:
    return get_command(make_app())


def check_ours(arguments: list[str]) -> None:
    """Parse a command of ours as the command line does, or the options of a synopsis."""
    group = our_commands()
    context = group.make_context("spacy-lambda", arguments, resilient_parsing=True)
    while hasattr(group, "resolve_command"):
        name, group, arguments = group.resolve_command(context, arguments)
        if hasattr(group, "resolve_command"):
            context = group.make_context(name, arguments, parent=context, resilient_parsing=True)
    if any(word.startswith("[") for word in arguments):
        known = {option for one in group.params for option in (*one.opts, *one.secondary_opts)}
        assert {word.strip("[]") for word in arguments if word.startswith("[--")} <= known
    else:
        group.make_context(name, arguments, parent=context)


def check_pip(arguments: list[str]) -> None:
    """The extras that are installed exist."""
    named = [one for word in arguments for one in re.findall(r"^(?:spacy-lambda|[./]+)\[(.*)\](?: @ .*)?$", word)]
    assert {extra for one in named for extra in one.split(",")} <= set(PROJECT["optional-dependencies"])


def check_make(arguments: list[str], folder: Path) -> None:
    """The targets exist, in this folder's Makefile or in another's."""
    if arguments[:1] == ["-C"]:
        folder, arguments = (folder / arguments[1]).resolve(), arguments[2:]
    targets = set(TARGETS.findall((folder / "Makefile").read_text(encoding="utf-8")))
    assert {word for word in arguments if "=" not in word} <= targets


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.where)
def test_it_exists(command: Command) -> None:
    for program, *arguments in words(command.text):
        try:
            if program == "spacy-lambda":
                check_ours(arguments)
            elif program == "pip":
                check_pip(arguments)
            elif program == "aws":
                assert arguments[0] in WITHOUT_REGION or "--region" in arguments
            elif program == "make":
                folder = (ROOT / command.where.partition(":")[0]).parent
                check_make(arguments, folder if (folder / "Makefile").exists() else ROOT)
            else:
                assert program in OTHERS
        except Exception as exc:
            pytest.fail(f"{command.where}: {program} {shlex.join(arguments)}: {exc}")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_a_command_that_does_not_end_is_the_last_or_says_how_to_end_it(block: Block) -> None:
    followed = [one for one in list(commands(block))[:-1] if one.text.startswith(ENDLESS)]
    assert [one.where for one in followed if "Ctrl-C" not in one.text] == []


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_it_runs_or_has_a_reason_not_to(block: Block) -> None:
    ours = [command.text for command in commands(block) if command.text.startswith("spacy-lambda")]
    names = "|".join(SURROUNDINGS)
    assert block.way or not ours, f"{block.where}: precede it by <!-- test: fixture={names} --> or parse=REASON"


@pytest.mark.parametrize(
    "block",
    [pytest.param(block, id=block.where, marks=pytest.mark.slow if block.value in SLOW else ()) for block in RUN],
)
def test_it_prints_what_is_shown(block: Block, tmp_path: Path) -> None:
    with SURROUNDINGS[block.value](tmp_path) as given:
        for command in commands(block):
            if command.text.startswith("pip "):
                continue
            done = subprocess.run(
                ["bash", "-c", given.adapt(command.text)],
                cwd=tmp_path,
                env={
                    **os.environ,
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "COLUMNS": "200",
                    "TTY_COMPATIBLE": "1",
                    "TERM": "dumb",
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command.where}: {done.stderr}"
            if command.printed:
                assert re.fullmatch(pattern(command.printed), done.stdout), f"{command.where}: {done.stdout}"


def pattern(lines: tuple[str, ...]) -> str:
    """The expression of what is shown: an ellipsis and the digits before it are anything, and so are figures."""
    escaped = "\n".join(re.sub("[0-9a-f]*…", ".*", re.escape(line)) for line in lines)
    return "\\s*" + FIGURE.sub(r"[\\d.,]+", escaped) + "\\s*"
