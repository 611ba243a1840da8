"""Fuzz every command: with any arguments, it ends with a known error and its remedy.

Commands and parameters are read from the application, so that new ones are included. Arguments are drawn with a seed;
``SPACY_LAMBDA_FUZZ_SECONDS`` fuzzes each command for that long, with a new seed each time.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import unicodedata
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from typer.main import get_command

from spacy_lambda import cli
from spacy_lambda.cli import make_app, serving
from tests.cli.hostile import NUMBERS, STRINGS, WHOLE, make_pool

SECONDS = float(os.environ.get("SPACY_LAMBDA_FUZZ_SECONDS", "0"))
ROUNDS = 6
FOREVER = 120
"""Seconds after which a command counts as hanging."""

INPUTS = {"pipeline", "original", "compiled", "bundle", "artifact", "compare", "hub_pipeline"}
OUTPUTS = {"out"}
STORES = {"store", "location"}
WRITES = {"store"}
"""Parameters that name a place to write to."""

INSIDE = ["there", "there/x", "file", "file/x", "fifo", "out/new", "loop", "out/" + "x" * 300, "out/\udcff.tar"]

LEAK = re.compile(r"\[Errno|Value error|HTTPConnectionPool|Max retries|<\S+ object at 0x|codec can't")
"""Words of other libraries' errors."""

LEFT_OUT = {"install_completion", "show_completion", "help", "version"}


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(get_command(make_app())))


class Draw:
    """A source of random arguments."""

    def __init__(self, seed: int, pool: dict[str, list[str]]) -> None:
        self.random = random.Random(seed)
        self.pool = pool

    def arguments(self, command: Any) -> list[str]:
        """Return a command line in which at least one parameter is hostile."""
        parameters = [one for one in command.params if one.name not in LEFT_OUT]
        few = 0.0 if self.random.random() < 0.7 else 0.35
        odd = {one.name for one in parameters if self.random.random() < few} or {self.odd_one(parameters)}
        words: list[str] = []
        options: list[str] = []
        for one in parameters:
            if one.param_type_name == "argument":
                words += self.values(one, odd=one.name in odd) if one.required or one.name in odd else []
            elif one.is_flag:
                options += [one.opts[0]] if self.random.random() < 0.3 else []
            elif one.required or one.name in odd:
                options += [word for value in self.values(one, odd=one.name in odd) for word in (one.opts[0], value)]
        return [*options, "--", *words] if self.random.random() < 0.8 else [*words, *options]

    def odd_one(self, parameters: list[Any]) -> str:
        """Choose a parameter; those that are read as files are more likely."""
        weights = [5 if one.name in INPUTS | STORES | {"texts", "event", "config"} else 1 for one in parameters]
        name: str = self.random.choices(parameters, weights)[0].name
        return name

    def values(self, parameter: Any, *, odd: bool) -> list[str]:
        many = 3 if odd and getattr(parameter, "multiple", False) else 1
        return [self.odd(parameter) if odd else self.ordinary(parameter) for _ in range(many)]

    def ordinary(self, parameter: Any) -> str:
        ok, artifact, texts = self.pool["ok"]
        named = {"out": "out/x", "store": "out/store", "artifact": artifact, "texts": texts, "model": "hf://a/b"}
        named |= {"location": "out/store/en_ok@1.0.0", "destination": "localhost:9/x", "text": "iron", "name": "live"}
        return named.get(parameter.name, ok)

    def odd(self, parameter: Any) -> str:
        kind, name = parameter.type_descriptor.annotation, parameter.name
        if kind is int:
            return self.random.choice(WHOLE)
        if kind is float:
            return self.random.choice(NUMBERS)
        if name in OUTPUTS | WRITES:
            return self.random.choice(
                [*INSIDE, *(value for value in STRINGS if not value.startswith(("/", "~", "..")))]
            )
        pools = [STRINGS]
        if name in INPUTS:
            pools += [*[self.pool["pipelines"]] * 5, self.pool["files"], self.pool["stores"], self.pool["ok"]]
        elif name in STORES or kind is Path or name == "event":
            pools += [*[self.pool["files"]] * 3, self.pool["stores"], self.pool["ok"]]
        if name in STORES:
            pools += [self.pool["stores"]] * 5
        return self.random.choice(self.random.choice(pools))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return make_pool(tmp_path_factory.mktemp("pool"))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder without network, credentials or home."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "HF_", "SPACY_LAMBDA_")) and name != "HF_ENDPOINT":
            monkeypatch.delenv(name)
    dead = "http://127.0.0.1:9"
    surroundings = {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "AWS_ENDPOINT_URL": dead,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIDNOBODY",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_CONFIG_FILE": os.devnull,
        "HF_INFERENCE_ENDPOINT": dead,
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "COLUMNS": "200",
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    for name in ("home", "tmp", "canary", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "canary" / "bird").write_text("sings")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "work")
    # These start programs, and take no arguments.
    for name in ("check_packages", "check_engines", "check_lambda_python", "check_cdk"):
        monkeypatch.setattr(f"spacy_lambda.doctor.examination.{name}", list)
    welcome = serving._print_welcome

    def stop_at_once(served: Any) -> None:
        welcome(served)
        os.kill(os.getpid(), signal.SIGTERM)  # the server waits for it by now

    monkeypatch.setattr(serving, "_print_welcome", stop_at_once)
    return tmp_path


def prepare(work: Path) -> None:
    """Empty the folder, except for files where a command may want to write."""
    for path in work.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (work / "there").mkdir()
    (work / "there" / "x").write_text("kept")
    (work / "file").write_text("kept")
    os.mkfifo(work / "fifo")
    (work / "loop").symlink_to("loop")


def snapshot(folder: Path) -> dict[str, Any]:
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


class Hanging(BaseException):
    """Raised by the alarm; only the boundary catches it, as a bug."""


def hang(number: int, frame: FrameType | None) -> None:
    raise Hanging


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command line in this process; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["spacy-lambda", *words])
    kept = signal.signal(signal.SIGALRM, hang)
    signal.alarm(FOREVER)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cli.main()
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else -1
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, kept)
    raise AssertionError("main() ends with an exit code")


def check(code: int, out: str, err: str, traces: list[str]) -> None:
    """Assert what holds for every command line."""
    assert traces == []
    assert "Traceback" not in out + err
    assert LEAK.search(err) is None
    assert code in (0, 1, 2)
    if code == 1:
        assert "\nremedy: " in err
    if code == 2:
        assert "Usage:" in err
    # A tab stays a tab in output, as in a function's log, but not in an error.
    for character in set(out) - {"\n", "\t"} | set(err) - {"\n"}:
        assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp"), repr(character)


@pytest.mark.slow
@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_with_anything(
    path: tuple[str, ...],
    pool: dict[str, list[str]],
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    began, number = time.monotonic(), 0
    seed = random.randrange(10**9) if SECONDS else sum(map(ord, "".join(path)))
    canary = snapshot(workspace / "canary")
    faults = []
    while number < ROUNDS if not SECONDS else time.monotonic() - began < SECONDS:
        number += 1
        prepare(workspace / "work")
        words = [*path, *Draw(seed + number, pool).arguments(COMMANDS[path])]
        started = time.monotonic()
        code = run(words, monkeypatch)
        seconds = time.monotonic() - started
        out, err = capfd.readouterr()
        traces = [file.read_text(encoding="utf-8") for file in (workspace / "tmp").glob("spacy-lambda-fault-*")]
        for file in (workspace / "tmp").glob("spacy-lambda-fault-*"):
            file.unlink()
        try:
            check(code, out, err, traces)
            assert snapshot(workspace / "canary") == canary
            assert not Path("/tmp/canary-of-spacy-lambda").exists()
        except AssertionError as exc:
            shown = [word if len(word) < 200 else word[:100] + "..." for word in words]
            faults.append(f"{shown!r} ({seconds:.1f} s): {code}\n{exc}\n{err[-1500:]}\n{''.join(traces)[-2500:]}")
            if not SECONDS:
                break
    assert not faults, f"{len(faults)} of {number}:\n" + "\n=====\n".join(faults[:20])
