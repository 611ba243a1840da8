"""Exit codes, and the message with each."""

from __future__ import annotations

import errno
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from spacy_lambda.cli.boundary import BUG, INTERRUPTED, KNOWN, guarded
from spacy_lambda.cli.group import Commands
from spacy_lambda.core.env_names import TRACEBACK_VARIABLE
from spacy_lambda.errors import LocationError
from spacy_lambda.extras import install_command

COMMAND = (sys.executable, "-m", "spacy_lambda")
RAISING = "from spacy_lambda import cli\ndef run():\n    {}\ncli.make_app = run\ncli.main()"


def shell(command: str, *, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "SL": f"{sys.executable} -m spacy_lambda", **(env or {})}
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=120, env=environ)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("exc", "code", "message", "remedy"),
    [
        (LocationError("it is nowhere", remedy="say where"), KNOWN, "it is nowhere", "say where"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a/b"), KNOWN, "a/b: No such file", "check that it exists"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 5000), KNOWN, "characters more)", "shorter"),
        (PermissionError(errno.EACCES, "Permission denied", b"a\xff"), KNOWN, "a\\udcff: Permission", "permissions"),
        (OSError(errno.ENOSPC, "No space left on device"), KNOWN, "No space left", "TMPDIR"),
        (FileExistsError(errno.EEXIST, "File exists", "out"), KNOWN, "out: File exists", "move or delete it"),
        (OSError(errno.EMFILE, "Too many open files", 7), KNOWN, "7: Too many", "ulimit"),
        (ConnectionError("gone"), KNOWN, "gone", "check"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), KNOWN, "invalid Unicode", "UTF-8"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), KNOWN, "invalid Unicode", "UTF-8"),
        (MemoryError(), KNOWN, "out of memory", "more memory"),
        (RecursionError("maximum"), KNOWN, "nested too deeply", "reduce its nesting"),
        (ModuleNotFoundError("no", name="boto3.x"), KNOWN, "this needs 'boto3'", install_command("s3")),
        (KeyboardInterrupt(), INTERRUPTED, "interrupted", ""),
        (EOFError(), INTERRUPTED, "interrupted", ""),
        (KeyError("tokens"), BUG, "this is a bug in spacy-lambda: KeyError: 'tokens'", "please report it"),
        (ModuleNotFoundError("no", name="nobody"), BUG, "ModuleNotFoundError", "please report it"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), KNOWN, "", ""),
        (SystemExit(2), 2, "", ""),
        (SystemExit(None), 0, "", ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_an_exception_becomes_a_message_and_an_exit_code(
    exc: BaseException,
    code: int,
    message: str,
    remedy: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run() -> None:
        raise exc

    assert guarded(run) == code
    err = capsys.readouterr().err
    assert message in err
    assert remedy in err
    assert "Traceback" not in err
    written = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert len(written) == (code == BUG)
    assert all("Traceback" in text and type(exc).__name__ in text for text in written)


@pytest.mark.parametrize("status", [0, None, 3])
def test_code_that_ends_a_command_is_an_error(status: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(cls=Commands)
    app.callback()(lambda: None)

    @app.command()
    def work() -> None:
        sys.exit(status)

    assert guarded(lambda: get_command(app).main(["work"])) == KNOWN
    err = capsys.readouterr().err
    assert f"error: the pipeline's code ended the command: SystemExit: {status}" in err
    assert "remedy: remove exit" in err


def test_a_bug_is_reported_where_no_file_can_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")

    def run() -> None:
        raise ZeroDivisionError

    assert guarded(run) == BUG
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert "with the traceback above" in err


def test_a_variable_prints_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACEBACK_VARIABLE, "1")

    def run() -> None:
        raise LocationError("it is nowhere", remedy="say where")

    assert guarded(run) == KNOWN
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "remedy: say where" in err


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("$SL --version >&-", 0, b""),
        pytest.param("$SL --version >&- 2>&- <&-", 0, b"", marks=pytest.mark.slow),
        pytest.param("$SL ls ./none >&- <&-", 1, b"does not exist", marks=pytest.mark.slow),
        ("$SL --version >/dev/full", 1, b"error: No space left"),
        pytest.param("$SL --help | head -0; exit ${PIPESTATUS[0]}", 1, b"", marks=pytest.mark.slow),
        pytest.param("$SL --version 2>&1 | head -0; test ${PIPESTATUS[0]} -le 1", 0, b"", marks=pytest.mark.slow),
        ("$SL ls $'\\xff\\xfe'", 1, b"error: the store \\udcff\\udcfe does not exist"),
        pytest.param("$SL $'\\xff\\x1b[31m'", 2, b"No such command", marks=pytest.mark.slow),
        pytest.param("$SL ls ./\u0436\u0435\u043b\u0435\u0437\u043e", 1, rb"\udcd0\udcb6", marks=pytest.mark.slow),
        pytest.param("cd $(mktemp -d) && rmdir $PWD && $SL init --pipeline ./x", 1, b"error: ", marks=pytest.mark.slow),
        pytest.param("env -i TMPDIR=/nowhere $SL ls ./none", 1, b"does not exist", marks=pytest.mark.slow),
        pytest.param("$SL ls ./none | cat", 0, b"does not exist", marks=pytest.mark.slow),
    ],
)
def test_in_a_shell(command: str, code: int, message: bytes) -> None:
    done = shell(command, env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert (b"\nremedy: " in done.stderr) == (message not in (b"", b"No such command"))
    assert done.stderr.isascii() or b"\xe2" in done.stderr  # typer's box


def test_names_in_any_script_on_an_ascii_terminal() -> None:
    leader, follower = pty.openpty()
    environ = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "TERM": "dumb", "PYTHONUTF8": "0"}
    with subprocess.Popen(
        [*COMMAND, "ls", "./железо"], stdout=follower, stderr=follower, stdin=follower, env=environ
    ) as process:
        os.close(follower)
        message = b""
        while True:
            try:
                chunk = os.read(leader, 4096)
            except OSError:
                break
            if not chunk:
                break
            message += chunk
    os.close(leader)
    assert process.returncode == 1
    assert message.isascii()
    assert rb"\udcd0\udcb6" in message
    assert b"Traceback" not in message


def test_ctrl_c(tmp_path: Path) -> None:
    script = RAISING.format("import time, sys; print('ready', flush=True); time.sleep(60)")
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Background processes of a script ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (INTERRUPTED, "interrupted\n")
